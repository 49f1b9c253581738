/** The control tokens of every file, v3 or v7, that does not list its own: Mistral froze this list. The index is the id. */
const frozen = [
  '<unk>',
  '<s>',
  '</s>',
  '[INST]',
  '[/INST]',
  '[AVAILABLE_TOOLS]',
  '[/AVAILABLE_TOOLS]',
  '[TOOL_RESULTS]',
  '[/TOOL_RESULTS]',
  '[TOOL_CALLS]',
  '[IMG]',
  '<pad>',
  '[IMG_BREAK]',
  '[IMG_END]',
  '[PREFIX]',
  '[MIDDLE]',
  '[SUFFIX]',
  '[SYSTEM_PROMPT]',
  '[/SYSTEM_PROMPT]',
  '[TOOL_CONTENT]',
] as const;

/** `count` names: the listed ones, or else the frozen ones, then `<SPECIAL_20>` and so on. */
export function controlNames(count: number, listed: readonly string[] | undefined): string[] {
  const names: string[] = [...(listed ?? frozen)];
  for (let id = names.length; id < count; id++) names.push(`<SPECIAL_${id}>`);
  return names;
}
