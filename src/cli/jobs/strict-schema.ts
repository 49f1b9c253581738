/**
 * Whether OpenAI takes a schema as strict: an object at the top, and every object with all its properties required and
 * no others. Any other is only advice to the model there, and answers are checked when they come back.
 */
export function strictSchema(schema: unknown): boolean {
  return isRecord(schema) && schema['type'] === 'object' && isStrict(schema);
}

function isStrict(part: unknown): boolean {
  if (Array.isArray(part)) return part.every(isStrict);
  if (!isRecord(part)) return true;
  const { type, properties, required, additionalProperties } = part;
  if (type === 'object' || (Array.isArray(type) && type.includes('object'))) {
    const names = isRecord(properties) ? Object.keys(properties) : [];
    const all = Array.isArray(required) && names.every((name) => required.includes(name));
    if (additionalProperties !== false || !all) return false;
  }
  return Object.values(part).every(isStrict);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
