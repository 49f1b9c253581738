"""What transformers makes of one long prompt on the fixtures' checkpoint: words, a picture far behind, a question.

    python test/peer/long_context.py <number of ids, about> <file>

Writes {messages, ids, logits (the last, float32), greedy}. `npm run compare:context` runs it.
"""

import json
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "fixtures"))
import checkpoints as fixtures  # noqa: E402
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer  # noqa: E402

count, target = int(sys.argv[1]), Path(sys.argv[2])
root = HERE.parent.parent / "fixtures"
tokenizer = MistralTokenizer.from_file(str(root / "checkpoints/mistral/tekken.json"))
draw = random.Random(131072)
words = "".join(draw.choice("abcdefghijklmnop ,.") for _ in range(2 * count))
inner = tokenizer.instruct_tokenizer.tokenizer
text = inner.decode(inner.encode(words, bos=False, eos=False)[: count - 120])
messages = [("user", [text, "a-80x48.png", "describe this"])]
encoded = tokenizer.encode_chat_completion(fixtures.request(messages, root / "scenes"))
weights = fixtures.mistral_weights(fixtures.PARAMS, fixtures.SEED)
model = fixtures.load_transformers(fixtures.llava_config(fixtures.PARAMS), fixtures.huggingface_weights(weights, fixtures.PARAMS))
_, _, logits, greedy, gaps = fixtures.golden(
    model, weights, fixtures.PARAMS, encoded.tokens, encoded.images, lambda tower, _: model.model.multi_modal_projector(tower)
)
target.write_text(
    json.dumps(
        {
            "messages": [{"role": "user", "content": [{"text": text}, {"image": "a-80x48.png"}, {"text": "describe this"}]}],
            "ids": encoded.tokens,
            "logits": logits[-1].tolist(),
            "greedy": greedy,
            "gap": min(gaps),
        }
    )
)
