"""Asks about a picture by a program of many: ask_frameworks.py PROGRAM URL PICTURE"""

import asyncio
import base64
import os
import sys
from typing import Literal

from pydantic import BaseModel, Field

program, url, picture = sys.argv[1:]
os.environ |= {"OPENAI_API_KEY": "none", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "OPENAI_AGENTS_DISABLE_TRACING": "1"}
root = url.removesuffix("/v1")
raw = open(picture, "rb").read()
encoded = base64.b64encode(raw).decode()
data = "data:image/png;base64," + encoded
question = "what do you see?"
content = [{"type": "text", "text": question}, {"type": "image_url", "image_url": {"url": data}}]
messages = [{"role": "user", "content": content}]


class Scene(BaseModel):
    """What is drawn."""

    shapes: int = Field(ge=0, le=20, description="how many shapes")
    colour: Literal["red", "green", "blue", "yellow", "other"]


class Colour(BaseModel):
    """Anthropic's client puts bounds of numbers into descriptions: only what it sends can be kept to."""

    colour: Literal["red", "green", "blue", "yellow", "other"]


def litellm():
    import litellm

    for model, base in (("openai/demo", url), ("anthropic/demo", root)):
        print(litellm.completion(model=model, api_base=base, api_key="none", messages=messages, max_tokens=100).choices[0].message.content)
        stream = litellm.completion(model=model, api_base=base, api_key="none", messages=messages, max_tokens=100, stream=True)
        print("".join(chunk.choices[0].delta.content or "" for chunk in stream))
    answer = litellm.completion(model="hosted_vllm/demo", api_base=url, messages=messages, response_format=Scene, n=2, logprobs=True, top_logprobs=2)
    for choice in answer.choices:
        Scene.model_validate_json(choice.message.content)


def instructor():
    import instructor
    from openai import OpenAI

    client = instructor.from_openai(OpenAI(base_url=url), mode=instructor.Mode.JSON_SCHEMA)
    client.chat.completions.create(model="demo", messages=messages, response_model=Scene, max_retries=1)


def pydantic_ai():
    from pydantic_ai import Agent, BinaryContent, NativeOutput
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    asked = [question, BinaryContent(data=raw, media_type="image/png")]
    for kind in (OpenAIChatModel, OpenAIResponsesModel):
        model = kind("demo", provider=OpenAIProvider(base_url=url, api_key="none"))
        print(Agent(model).run_sync(asked).output)
        Agent(model, output_type=NativeOutput(Scene)).run_sync(asked)


def anthropic_python():
    import anthropic

    client = anthropic.Anthropic(base_url=root, api_key="none", max_retries=0)
    source = {"type": "base64", "media_type": "image/png", "data": encoded}
    asked = [{"role": "user", "content": [{"type": "image", "source": source}, {"type": "text", "text": question}]}]
    print(client.messages.create(model="demo", max_tokens=100, messages=asked, metadata={"user_id": "me"}).content[0].text)
    with client.messages.stream(model="demo", max_tokens=100, messages=asked) as stream:
        print(stream.get_final_text())
    client.messages.parse(model="demo", max_tokens=100, messages=asked, output_format=Colour)
    client.messages.count_tokens(model="demo", messages=asked)
    assert client.models.list().data[0].type == "model"


def mistral():
    from mistralai.client import Mistral

    client = Mistral(api_key="none", server_url=root)
    answer = client.chat.complete(model="demo", messages=messages, random_seed=3, safe_prompt=False)
    print(answer.choices[0].message.content)
    print("".join(event.data.choices[0].delta.content or "" for event in client.chat.stream(model="demo", messages=messages)))
    client.chat.parse(model="demo", messages=messages, response_format=Scene)
    assert client.models.list().data[0].id == "demo"


def llama_index():
    from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
    from llama_index.llms.openai_like import OpenAILike

    model = OpenAILike(model="demo", api_base=url, api_key="none", is_chat_model=True, context_window=4096)
    asked = [ChatMessage(role="user", blocks=[TextBlock(text=question), ImageBlock(path=picture)])]
    print(model.chat(asked).message.content)
    print("".join(part.delta or "" for part in model.stream_chat(asked)))


def smolagents():
    from PIL import Image
    from smolagents import OpenAIServerModel

    model = OpenAIServerModel(model_id="demo", api_base=url, api_key="none")
    asked = [{"role": "user", "content": [{"type": "text", "text": question}, {"type": "image", "image": Image.open(picture)}]}]
    print(model.generate(asked, stop_sequences=["</code>"]).content)
    print("".join(part.content or "" for part in model.generate_stream(asked)))


def agents():
    from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner
    from openai import AsyncOpenAI

    async def ask():
        asked = [{"role": "user", "content": [{"type": "input_text", "text": question}, {"type": "input_image", "image_url": data, "detail": "auto"}]}]
        for kind in (OpenAIResponsesModel, OpenAIChatCompletionsModel):
            model = kind(model="demo", openai_client=AsyncOpenAI(base_url=url))
            print((await Runner.run(Agent(name="eyes", model=model), asked)).final_output)
            await Runner.run(Agent(name="eyes", model=model, output_type=Scene), asked)
            streamed = Runner.run_streamed(Agent(name="eyes", model=model), asked)
            async for _ in streamed.stream_events():
                pass
            print(streamed.final_output)

    asyncio.run(ask())


def aisuite():
    import aisuite

    client = aisuite.Client({"openai": {"base_url": url, "api_key": "none"}})
    print(client.chat.completions.create(model="openai:demo", messages=messages).choices[0].message.content)


globals()[program.replace("-", "_")]()
