import { readFileSync } from 'node:fs';
import { HumanMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';

const [url, picture] = process.argv.slice(2);
const data = `data:image/png;base64,${readFileSync(picture).toString('base64')}`;
const model = new ChatOpenAI({ model: 'demo', apiKey: 'none', configuration: { baseURL: url }, maxRetries: 0 });
const content = [
  { type: 'image_url', image_url: { url: data } },
  { type: 'text', text: 'what do you see?' },
];
const question = new HumanMessage({ content });
console.log((await model.invoke([question])).content);
let text = '';
for await (const chunk of await model.stream([question])) text += chunk.content;
console.log(text);
