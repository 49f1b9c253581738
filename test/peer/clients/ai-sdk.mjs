import { readFileSync } from 'node:fs';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText } from 'ai';

const [url, picture] = process.argv.slice(2);
const provider = createOpenAICompatible({ name: 'pixtral', baseURL: url, apiKey: 'none', includeUsage: true });
const content = [
  { type: 'image', image: readFileSync(picture), mediaType: 'image/png' },
  { type: 'text', text: 'what do you see?' },
];
const asked = { model: provider('demo'), messages: [{ role: 'user', content }], maxRetries: 0, temperature: 0 };
console.log((await generateText(asked)).text);
let text = '';
for await (const part of streamText(asked).textStream) text += part;
console.log(text);
