import base64, sys
from openai import OpenAI

url, picture = sys.argv[1:]
data = "data:image/png;base64," + base64.b64encode(open(picture, "rb").read()).decode()
client = OpenAI(base_url=url, api_key="none", max_retries=0)
content = [{"type": "image_url", "image_url": {"url": data}}, {"type": "text", "text": "what do you see?"}]
messages = [{"role": "user", "content": content}]
print(client.chat.completions.create(model="demo", messages=messages).choices[0].message.content)
stream = client.chat.completions.create(model="demo", messages=messages, stream=True, stream_options={"include_usage": True})
print("".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices))
parts = [{"type": "input_image", "image_url": data}, {"type": "input_text", "text": "what do you see?"}]
print(client.responses.create(model="demo", input=[{"role": "user", "content": parts}], store=False).output_text)
with client.responses.stream(model="demo", input=[{"role": "user", "content": parts}]) as events:
    print("".join(event.delta for event in events if event.type == "response.output_text.delta"))
