/** `{{name}}` is text; `{name}` a field, `{name|text}` one with something to stand in for it. `{1}` is a picture's place. */
const field = /\{\{([a-z_][\w.-]*)\}\}|\{([a-z_][\w.-]*)(?:\|([^{}]*))?\}/gi;

/** Names of the fields that a template asks for. */
export function fieldNames(template: string): string[] {
  const names = [...template.matchAll(field)].flatMap(({ 2: name }) => (name === undefined ? [] : [name]));
  return [...new Set(names)];
}

/**
 * A template with its fields filled. What is filled in is not read again: a caption that says `{path}` stays as it is.
 * @param valueOf undefined where there is none
 * @param missing makes the error for a field without a value and without anything to stand in for it
 */
export function fillFields(
  template: string,
  { valueOf, missing }: { valueOf: (name: string) => string | undefined; missing: (name: string) => Error },
): string {
  return template.replaceAll(field, (_, escaped?: string, name = '', standIn?: string) => {
    if (escaped !== undefined) return `{${escaped}}`;
    const value = valueOf(name) ?? standIn;
    if (value === undefined) throw missing(name);
    return value;
  });
}
