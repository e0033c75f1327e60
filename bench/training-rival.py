"""PyTorch's side of training.ts: the same model, batch, loss, AdamW, clipping and dropout.

Reads a number of steps a line, answers each with the milliseconds of its steps and the peak memory.
Python and its packages are the reader's own (bench/README.md says which); the product has none.
"""
import json
import resource
import sys
import time

import torch
from transformers import BertConfig, BertForSequenceClassification

shape, config, rate, clip = (json.loads(text) for text in sys.argv[1:5])
torch.set_num_threads(shape["threads"])
torch.manual_seed(1)
model = BertForSequenceClassification(BertConfig(**config, num_labels=2))
model.train()
decays = [p for p in model.parameters() if p.ndim > 1]
rest = [p for p in model.parameters() if p.ndim <= 1]
optimizer = torch.optim.AdamW(
    [{"params": decays, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}], lr=rate, fused=True
)


def step(number):
    random = torch.Generator().manual_seed(number)
    size = (shape["rows"], shape["tokens"])
    ids = torch.randint(1, config["vocab_size"], size, generator=random)
    labels = torch.randint(0, 2, size[:1], generator=random)
    loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


print(json.dumps({"ready": True}), flush=True)
number = 0
for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        number += 1
        begin = time.perf_counter()
        step(number)
        times.append((time.perf_counter() - begin) * 1000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"ms": times, "peak": peak}), flush=True)
