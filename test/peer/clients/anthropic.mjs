import { readFileSync } from 'node:fs';
import Anthropic from '@anthropic-ai/sdk';

const [url, picture] = process.argv.slice(2);
const client = new Anthropic({ baseURL: url.replace(/\/v1$/, ''), apiKey: 'none', maxRetries: 0 });
const data = readFileSync(picture).toString('base64');
const content = [
  { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
  { type: 'text', text: 'what do you see?' },
];
const asked = { model: 'demo', max_tokens: 100, messages: [{ role: 'user', content }] };
const textOf = (message) => message.content.map(({ text }) => text).join('');
console.log(textOf(await client.messages.create({ ...asked, stop_sequences: ['###', 'END'] })));
console.log(textOf(await client.messages.stream({ ...asked, system: 'Look closely.' }).finalMessage()));
const { input_tokens: tokens } = await client.messages.countTokens({ model: 'demo', messages: asked.messages });
if (!(tokens > 60)) throw new Error(`${tokens} tokens`);
