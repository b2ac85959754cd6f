#!/usr/bin/env python3
"""Train the demo model.

    train.py --data DATA --fonts FONTDIR... --out RUN [--device cuda] [--steps N | --minutes M]

Writes RUN/log.jsonl, RUN/checkpoint.pt (resumes from it) and RUN/model/ (bf16, save_pretrained layout).
"""
import argparse, json, os, random, sys, time

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import common


class Batches(torch.utils.data.IterableDataset):
    """Endless stream: text batches of about `tokens` encoder tokens, every k-th batch images."""

    def __init__(self, a, seed, images_seen):
        self.a, self.seed = a, seed
        self.shown = images_seen // a.images // max(a.workers, 1)

    def __iter__(self):
        a = self.a
        info = torch.utils.data.get_worker_info()
        rng = random.Random(self.seed * 1000 + (info.id if info else 0))
        t = common.Text(a.data)
        rows = common.read_packages(a.data, "train")
        with open(os.path.join(a.data, "words.json")) as f:
            words = json.load(f)["train"]
        painter = common.Painter(common.font_files(a.fonts), words, a.image_size, a.jitter, a.upper, a.digits, a.plain)
        order, n, shown = [], 0, self.shown

        def images():
            longest = min(a.max_word, 1 + shown * a.max_word // max(a.ramp, 1))
            return common.image_batch(a.images, painter, t, rng, a.image_tokens, longest)
        while True:
            pool = []
            while sum(len(e) for e, _ in pool) < a.tokens * 16:
                if not order:
                    order = list(range(len(rows)))
                    rng.shuffle(order)
                pool.append(common.text_example(rows[order.pop()], rows, t, rng, a.max_enc, a.quote, a.short))
            pool.sort(key=lambda x: len(x[0]))
            batches, cur = [], []
            for x in pool:
                if cur and len(x[0]) * (len(cur) + 1) > a.tokens:
                    batches.append(cur)
                    cur = []
                cur.append(x)
            rng.shuffle(batches)  # the last, incomplete one is dropped
            for b in batches:
                n += 1
                if a.image_every and n % a.image_every == 0:
                    yield images()
                    shown += 1
                yield common.pack(b, a.max_dec)


def forward_loss(model, batch, window):
    """-> weighted mean loss, loss per token, which tokens, which were right"""
    m = model.model
    enc = m.encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"],
                    pixel_values=batch.get("pixel_values")).last_hidden_state
    masks = common.decoder_masks(batch["segments"], batch["positions"], window)
    h = m.decoder(input_ids=batch["decoder_input_ids"], attention_mask=masks, position_ids=batch["positions"],
                  encoder_hidden_states=enc, encoder_attention_mask=batch["attention_mask"],
                  use_cache=False).last_hidden_state
    keep = batch["labels"] != -100
    logits = model.lm_head(h[keep]).float()
    loss = F.cross_entropy(logits, batch["labels"][keep], reduction="none")
    w = batch["weights"][keep]
    right = (logits.argmax(-1) == batch["labels"][keep]) if not model.training else None
    return (loss * w).sum() / w.sum(), loss.detach(), keep, right


@torch.no_grad()
def validate(model, batches, a):
    """Loss and next-token accuracy per task on held-out packages and words."""
    model.eval()
    sums = torch.zeros(len(common.TASKS), 3)
    for batch in batches:
        batch = {k: v.to(a.device) for k, v in batch.items()}
        with torch.autocast("cuda", torch.bfloat16, enabled=a.device.startswith("cuda")):
            _, parts, keep, right = forward_loss(model, batch, a.window)
        for k in range(len(common.TASKS)):
            pick = batch["tasks"][keep] == k
            sums[k] += torch.tensor([pick.sum(), parts[pick].sum(), right[pick].sum()], dtype=torch.float)
    model.train()
    return {name: (round(float(l / n), 3), round(float(r / n), 3))
            for name, (n, l, r) in zip(common.TASKS, sums.tolist()) if n}


def validation_batches(a):
    t, rng = common.Text(a.data), random.Random(99)
    rows = common.read_packages(a.data, "val")
    ex = sorted((common.text_example(r, rows, t, rng, a.max_enc) for r in rng.sample(rows, a.val)),
                key=lambda x: len(x[0]))
    out = [common.pack(ex[i:i + 32], a.max_dec) for i in range(0, len(ex), 32)]
    with open(os.path.join(a.data, "words.json")) as f:
        words = json.load(f)["test"]
    painter = common.Painter(common.font_files(a.fonts), words, a.image_size, a.jitter, a.upper, a.digits, a.plain)
    return out + [common.image_batch(64, painter, t, rng, a.image_tokens, a.max_word) for _ in range(3)]


def lr_scale(progress, step, warmup, decay):
    if step < warmup:
        return (step + 1) / warmup
    return 1.0 if progress < 1 - decay else max(0.0, (1 - progress) / decay)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", required=True)
    ap.add_argument("--fonts", nargs="+", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--device", default="cpu")
    ap.add_argument("--threads", type=int, default=0)
    ap.add_argument("--workers", type=int, default=0)
    ap.add_argument("--init", help="start from the weights of this checkpoint.pt, with a new schedule")
    ap.add_argument("--steps", type=int, default=0, help="stop after this many steps")
    ap.add_argument("--minutes", type=float, default=0, help="or after this much time (summed over resumed runs)")
    ap.add_argument("--leave-after", type=float, default=0, help="stop this call after M minutes, to be resumed")
    ap.add_argument("--tokens", type=int, default=4096, help="encoder tokens in a text batch")
    ap.add_argument("--images", type=int, default=48, help="images in an image batch")
    ap.add_argument("--image-every", type=int, default=3)
    ap.add_argument("--max-word", type=int, default=8, help="longest string drawn")
    ap.add_argument("--ramp", type=int, default=300, help="image batches (per worker) until strings have full length")
    ap.add_argument("--jitter", type=float, default=1.0, help="0 = text always centred, 1 = anywhere, any size")
    ap.add_argument("--upper", type=float, default=0.0, help="share of strings in capitals")
    ap.add_argument("--digits", type=float, default=0.3, help="share of numbers among the strings")
    ap.add_argument("--plain", type=float, default=0.0, help="share of images in black on white")
    ap.add_argument("--quote", type=float, default=1.0, help="chance of the quote row in a document")
    ap.add_argument("--short", type=float, default=3.0, help="weight of the one-word answers' tokens")
    ap.add_argument("--max-enc", type=int, default=512)
    ap.add_argument("--max-dec", type=int, default=256)
    ap.add_argument("--lr", type=float, default=0.001)
    ap.add_argument("--warmup", type=int, default=100)
    ap.add_argument("--decay", type=float, default=0.4, help="last part of the run with falling rate")
    ap.add_argument("--clip", type=float, default=1.0)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--save-every", type=int, default=500)
    ap.add_argument("--val-every", type=int, default=250)
    ap.add_argument("--val", type=int, default=320, help="held-out packages in the validation set")
    ap.add_argument("--log-every", type=int, default=20)
    for name, value in (("hidden", 192), ("ffn", 512), ("layers", 6), ("heads", 4), ("kv-heads", 1), ("head-dim", 64),
                        ("window", 64), ("vision-hidden", 128), ("vision-ffn", 384), ("vision-layers", 4),
                        ("vision-heads", 4), ("image-size", 112), ("patch", 14), ("image-tokens", 16)):
        ap.add_argument("--" + name, type=int, default=value)
    ap.add_argument("--dropout", type=float, default=0.0)
    a = ap.parse_args()
    if not a.steps and not a.minutes:
        ap.error("give --steps or --minutes")
    if a.threads:
        torch.set_num_threads(a.threads)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.makedirs(a.out, exist_ok=True)
    t = common.Text(a.data)
    cfg = common.make_config(t, a.hidden, a.ffn, a.layers, a.heads, a.kv_heads, a.head_dim, a.window, 1024,
                             a.vision_hidden, a.vision_ffn, a.vision_layers, a.vision_heads, a.image_size, a.patch,
                             a.image_tokens, a.dropout)
    model = common.make_model(cfg, a.seed).to(a.device)
    model.train()
    adam = torch.optim.AdamW([{"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.01},
                              {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0}],
                             lr=a.lr, betas=(0.9, 0.98))
    step, spent, seen = 0, 0.0, [0, 0, 0]
    ckpt = os.path.join(a.out, "checkpoint.pt")
    if os.path.exists(ckpt):
        s = torch.load(ckpt, map_location=a.device)
        model.load_state_dict(s["model"])
        model.tie_weights()
        adam.load_state_dict(s["adam"])
        step, spent, seen = s["step"], s["spent"], s["seen"]
        print("resumed at step", step, flush=True)
    elif a.init:
        model.load_state_dict(torch.load(a.init, map_location=a.device)["model"])
        model.tie_weights()

    def checkpoint():
        torch.save(dict(model=model.state_dict(), adam=adam.state_dict(), step=step, spent=spent,
                        seen=seen), ckpt + ".tmp")
        os.replace(ckpt + ".tmp", ckpt)
        common.save(model, os.path.join(a.out, "model"), a.data)

    loader = torch.utils.data.DataLoader(Batches(a, a.seed + step, seen[2]), batch_size=None, num_workers=a.workers,
                                         prefetch_factor=8 if a.workers else None,
                                         pin_memory=a.device.startswith("cuda"))
    log = open(os.path.join(a.out, "log.jsonl"), "a")
    cuda = a.device.startswith("cuda")
    held = validation_batches(a)

    def report(v):
        line = dict(step=step, minutes=round(spent / 60, 2), val=v)
        log.write(json.dumps(line) + "\n")
        log.flush()
        print(line, flush=True)

    text_loss, image_loss = [], []
    started = time.time()
    base = spent
    for batch in loader:
        spent = base + time.time() - started
        progress = max(step / a.steps if a.steps else 0, spent / 60 / a.minutes if a.minutes else 0)
        if progress >= 1 or (a.leave_after and time.time() - started > 60 * a.leave_after):
            break
        batch = {k: v.to(a.device, non_blocking=True) for k, v in batch.items()}
        with torch.autocast("cuda", torch.bfloat16, enabled=cuda):
            loss, _, keep, _ = forward_loss(model, batch, a.window)
        loss.backward()
        scale = lr_scale(progress, step, a.warmup, a.decay)
        torch.nn.utils.clip_grad_norm_(model.parameters(), a.clip)
        for g in adam.param_groups:
            g["lr"] = a.lr * scale
        adam.step()
        model.zero_grad(set_to_none=True)
        step += 1
        (image_loss if "pixel_values" in batch else text_loss).append(loss.detach())
        seen[0] += int(batch["attention_mask"].sum()) if not cuda else batch["attention_mask"].numel()
        seen[1] += keep.numel()
        seen[2] += len(batch["pixel_values"]) if "pixel_values" in batch else 0
        if step % a.log_every == 0:
            mean = [round(float(torch.stack(x).mean()), 4) if x else None for x in (text_loss, image_loss)]
            text_loss, image_loss = [], []
            line = dict(step=step, minutes=round(spent / 60, 2), text=mean[0], image=mean[1], lr=round(scale, 3),
                        enc_tokens=seen[0], dec_tokens=seen[1], images=seen[2])
            log.write(json.dumps(line) + "\n")
            log.flush()
            print(line, flush=True)
        if step % a.val_every == 0:
            report(validate(model, held, a))
        if step % a.save_every == 0:
            checkpoint()
    checkpoint()
    report(validate(model, held, a))


if __name__ == "__main__":
    main()
