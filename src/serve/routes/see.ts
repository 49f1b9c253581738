import { loadMessages } from '../../asking/pictures/message-pictures.ts';
import { pictureReceipt } from '../../asking/pictures/receipt.ts';
import { imagesOf } from '../../prompt/message.ts';
import { chatRequest } from '../../wires/chat-request.ts';
import { wrong } from '../../wires/fields.ts';
import { type Route, readBody, requestContext, whenGone } from '../context.ts';

/** The very pictures that the model would see, with their sizes in tokens; nothing is asked. */
export const see: Route = {
  method: 'post',
  path: '/v1/pixtral/see',
  asks: true,
  async answer(c, context) {
    const { engine, pictures } = context;
    const { record, ...read } = await readBody(c);
    const { images, detail } = record;
    if (!Array.isArray(images) || images.length === 0) throw wrong('body: images', images, 'a list of URLs');
    const content = images.map((url: unknown) => ({ type: 'image_url', image_url: { url, detail } }));
    const body = { ...read, record: { messages: [{ role: 'user', content }] } };
    const asked = await chatRequest(body, requestContext(context));
    const { image, maxImageTokens } = engine;
    const loaded = await loadMessages(asked.messages, {
      ...pictures,
      detail: asked.detail,
      image,
      maxImageTokens,
      keep: 'png',
      signal: whenGone(c).signal,
    });
    return c.json({
      model: engine.files.name,
      token_side: image.patchSize * image.spatialMergeSize,
      images: loaded
        .flatMap((message) => imagesOf(message.content))
        .map((picture) => ({ ...pictureReceipt(picture), png: Buffer.from(picture.png!).toString('base64') })),
    });
  },
};
