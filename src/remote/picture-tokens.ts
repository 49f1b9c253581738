import type { PictureTokens } from '../asking/events.ts';
import type { Picture } from '../image/decoder/load.ts';
import { pictureReceipt } from '../asking/pictures/receipt.ts';
import { type Message, imagesOf } from '../prompt/message.ts';
import type { FoundServer } from './find-server.ts';
import type { Reply } from './read-reply.ts';
import { serverKinds } from './server-kinds.ts';

/** [IMG], [IMG_BREAK] and [IMG_END] of all of Mistral's vision tokenizers (their tekken.json). */
const pictureIds = new Set([10, 12, 13]);

/** Control tokens and blanks that a template may put around a message. */
const aroundMessage = 16;

/** What Mistral lays the pictures of a question out as, beside what the server says that it has. */
export function countedPictures(
  messages: readonly Message<Picture>[],
  {
    server,
    reply,
  }: { server: Pick<FoundServer, 'grid'>; reply: Pick<Reply, 'promptTokens' | 'promptIds' | 'pictureTokens'> },
): PictureTokens {
  const pictures = messages.flatMap(({ content }) => imagesOf(content));
  const expected = pictures.reduce((sum, picture) => sum + pictureReceipt(picture).tokens, 0);
  const { promptTokens, promptIds, pictureTokens } = reply;
  const counted = pictureTokens ?? promptIds?.filter((id) => pictureIds.has(id)).length;
  if (counted === expected) return { expected, counted, check: 'equal' };
  if (!server.grid.isKnown) return { expected, check: 'not checked' };
  if (counted !== undefined) return { expected, counted, check: 'differs' };
  if (promptTokens === undefined) return { expected, check: 'not checked' };
  const isPossible = promptTokens > expected && promptTokens <= expected + mostTextTokens(messages);
  return { expected, check: isPossible ? 'possible' : 'differs' };
}

/** No tokenizer makes more tokens of a text than it has bytes. */
function mostTextTokens(messages: readonly Message<Picture>[]): number {
  let most = 0;
  for (const { content } of messages) {
    most += aroundMessage;
    for (const chunk of content) most += chunk.kind === 'text' ? Buffer.byteLength(chunk.text) + 2 : 0;
  }
  return most;
}

/** What whoever asked should know of it; undefined where all is well. */
export function countWarning(
  { expected, counted, check }: PictureTokens,
  {
    server: { address, kind, model, grid },
    reply: { promptTokens = Infinity },
  }: { server: Pick<FoundServer, 'kind' | 'address' | 'model' | 'grid'>; reply: Pick<Reply, 'promptTokens'> },
): string | undefined {
  const inAll = `${address.name}: counts ${promptTokens} tokens in the whole prompt`;
  if (check === 'not checked' && !grid.isKnown && expected > 0 && promptTokens <= expected) {
    return `${inAll}, where Pixtral would have ${expected} of the pictures alone: ${JSON.stringify(model)} is no name that is known here, so whether it sees them as they are is not checked`;
  }
  if (check !== 'differs') return undefined;
  const found = counted === undefined ? inAll : `${address.name}: counts ${counted} tokens of pictures`;
  const what = `${found}, where Mistral's layout of the pictures has ${expected}: the model does not see them as they are`;
  if (kind !== 'llama-server') return what;
  return `${what} (${serverKinds[kind].title} caps a picture at 1024 tokens unless --image-max-tokens says more)`;
}
