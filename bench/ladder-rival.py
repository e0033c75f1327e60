"""BERT-base's shape in fp32 by PyTorch on one thread, for ladder.ts: a number of runs a line in, their
milliseconds a line out. Weights are random: time depends on sizes alone."""
import json
import resource
import sys
import time

import torch
from transformers import BertConfig, BertForSequenceClassification

torch.set_num_threads(1)
ids = torch.tensor([json.loads(sys.argv[1])])
mask = torch.ones_like(ids)
model = BertForSequenceClassification(BertConfig()).eval()
print(json.dumps({"ready": True}), flush=True)
with torch.inference_mode():
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            begin = time.perf_counter()
            model(input_ids=ids, attention_mask=mask)
            times.append((time.perf_counter() - begin) * 1000)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"ms": times, "peak": peak}), flush=True)
