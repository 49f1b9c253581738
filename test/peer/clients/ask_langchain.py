import base64, sys
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

url, picture = sys.argv[1:]
data = base64.b64encode(open(picture, "rb").read()).decode()
model = ChatOpenAI(base_url=url, api_key="none", model="demo", max_retries=0, temperature=0)
image = {"type": "image", "source_type": "base64", "mime_type": "image/png", "data": data}
question = HumanMessage([image, {"type": "text", "text": "what do you see?"}])
print(model.invoke([question]).content)
print("".join(chunk.content for chunk in model.stream([question])))
print(model.with_structured_output({"title": "count", "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}, method="json_schema").invoke([question]))
