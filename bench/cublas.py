"""Matrix products by PyTorch (cuBLAS) on this machine's GPU, as one JSON document: the figure beside which ours stand.

float32 with TF32 off, TF32, and float16; seconds are the median of 20 by CUDA events, after 5 to warm up.
"""
import json
import statistics
import sys

try:
    import torch
except ImportError:
    print(json.dumps({"absent": "no PyTorch here"}))
    sys.exit(0)

if not torch.cuda.is_available():
    print(json.dumps({"absent": "PyTorch sees no GPU"}))
    sys.exit(0)

rows = []
for size in (4096, 8192):
    for kind, dtype, tf32 in (("f32", torch.float32, False), ("tf32", torch.float32, True), ("f16", torch.float16, False)):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a, b = (torch.randn(size, size, device="cuda", dtype=dtype) for _ in range(2))
        seconds = []
        for run in range(25):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            a @ b
            end.record()
            end.synchronize()
            if run >= 5:
                seconds.append(begin.elapsed_time(end) / 1e3)
        median = statistics.median(seconds)
        rows.append({"size": size, "kind": kind, "seconds": median, "gflops": 2 * size**3 / median / 1e9})
        print(f"{kind} {size}: {rows[-1]['gflops'] / 1e3:.1f} TFLOP/s", file=sys.stderr)
print(json.dumps({"device": torch.cuda.get_device_name(), "torch": torch.__version__, "rows": rows}))
