#!/usr/bin/env python3
"""Run cases on a model with Hugging Face transformers and write what it computes.

    make_golden.py MODEL CASES.json DIRECTORY [--pictures DIR] [--only NAME...]

f32 arithmetic on the checkpoint as it was trained (dtype="auto", then .float(): the embedding scale keeps the rounding
of the checkpoint's dtype), eager attention, batch 1, no sampling. A case gets the directory DIRECTORY/NAME:
    case.json            all that is not an array: texts, ids, margins, beams, scores of targets, numerics
    input_ids.npy        i4 [N]        encoder ids, placeholders of pictures expanded
    pixel_values.npy     f4 [I,3,S,S]
    vision_last.npy      f4 [I,P,Dv]   vision tower after its last norm
    vision_features.npy  f4 [I,M,D]    after pooling, norm and projection: replaces the placeholders' rows
    encoder.npy          f4 [N,D]      encoder output after the last norm
    dec_ids.npy          i4 [T]        ids the decoder is fed, <bos> first
    logits.npy           f4 [T,V]      logits after each of them
    trace_enc.npy, trace_dec.npy  f4 [L+1,N|T,D]  with "trace": input of layer 0, outputs of the layers; the last row is
                                       behind the last norm
    sampleK.npy          f4 [S,V]      probabilities that samples[K] of case.json gives at its steps
"numerics" says how far f32 is from f64 (in which norms and softmax are f64 too) and eager attention from sdpa.
"""
import argparse
import copy
import hashlib
import json
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
import group_beams
import numpy as np
import torch

torch.set_num_threads(1)
import transformers
import transformers.models.siglip.modeling_siglip as siglip
import transformers.models.t5gemma2.modeling_t5gemma2 as t5gemma2
from transformers import AutoModelForSeq2SeqLM, AutoProcessor, LogitsProcessorList
from transformers.image_utils import load_image

transformers.logging.set_verbosity_error()


class NoForcedFloat:
    """Inside, RMSNorm and softmax compute in the dtype of their input (transformers computes them in f32)."""

    def __enter__(self):
        self.saved = t5gemma2.T5Gemma2RMSNorm.forward, t5gemma2.eager_attention_forward, siglip.eager_attention_forward

        def norm(self, x):
            return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * (1.0 + self.weight)

        def attention(module, q, k, v, mask, scaling=None, **_):
            groups = getattr(module, "num_key_value_groups", 1)
            k, v = t5gemma2.repeat_kv(k, groups), t5gemma2.repeat_kv(v, groups)
            w = torch.matmul(q, k.transpose(2, 3)) * scaling
            w = torch.softmax(w if mask is None else w + mask, -1)
            return torch.matmul(w, v).transpose(1, 2).contiguous(), w

        t5gemma2.T5Gemma2RMSNorm.forward = norm
        t5gemma2.eager_attention_forward = siglip.eager_attention_forward = attention

    def __exit__(self, *_):
        t5gemma2.T5Gemma2RMSNorm.forward, t5gemma2.eager_attention_forward, siglip.eager_attention_forward = self.saved


def load(directory, attention="eager"):
    model = AutoModelForSeq2SeqLM.from_pretrained(directory, dtype="auto", attn_implementation=attention)
    return model.float().eval()


def save_array(path, x, dtype=np.float32):
    np.save(path, np.ascontiguousarray(np.asarray(x), dtype=dtype))


def farthest(x, y):
    return float((x.double() - y.double()).abs().max())


class Runner:
    def __init__(self, directory, pictures):
        self.processor = AutoProcessor.from_pretrained(directory)
        self.tokenizer = self.processor.tokenizer
        self.eager = load(directory)
        self.sdpa = load(directory, "sdpa")
        self.double = copy.deepcopy(self.eager).double()
        self.pictures = pictures
        self.start = self.eager.config.decoder.bos_token_id
        eos = self.eager.generation_config.eos_token_id
        self.eos = eos if isinstance(eos, list) else [eos]

    # ---- what goes in ----

    def inputs(self, case):
        """Encoder ids [1,N] and pixels [I,3,S,S] or None."""
        pixels = None
        if case.get("images"):
            images = [load_image(os.path.join(self.pictures, f)) for f in case["images"]]
            batch = self.processor(images=images, text=case["text"], return_tensors="pt")
            ids, pixels = batch["input_ids"], batch["pixel_values"].float()
        elif "ids" in case:
            ids = torch.tensor([case["ids"]])
        else:
            ids = self.tokenizer(case["text"], return_tensors="pt")["input_ids"]
        if "n" in case:
            assert ids.shape[1] >= case["n"], (case["name"], ids.shape)
            ids = ids[:, :case["n"]]
        return ids, pixels

    def plain_ids(self, text):
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def decoder_prefix(self, case):
        if "dec_text" in case:
            return [self.start] + self.plain_ids(case["dec_text"])
        return case.get("dec_ids", [self.start])

    @staticmethod
    def arguments(ids, pixels, dtype=torch.float32):
        known = dict(input_ids=ids, attention_mask=torch.ones_like(ids))
        if pixels is not None:
            known["pixel_values"] = pixels.to(dtype)
        return known

    # ---- what comes out ----

    @torch.no_grad()
    def generate(self, model, ids, pixels, prefix, **options):
        options = dict(dict(do_sample=False, num_beams=1), **options)
        return model.generate(**self.arguments(ids, pixels), decoder_input_ids=torch.tensor([prefix]), **options)

    @torch.no_grad()
    def forward(self, model, ids, pixels, decoder_ids, dtype=torch.float32, **options):
        return model(**self.arguments(ids, pixels, dtype), decoder_input_ids=torch.tensor([decoder_ids]),
                     use_cache=False, **options)

    def texts(self, ids):
        return dict(skip=self.tokenizer.decode(ids, skip_special_tokens=True),
                    all=self.tokenizer.decode(ids, skip_special_tokens=False))

    @torch.no_grad()
    def vision(self, pixels):
        encoder = self.eager.model.encoder
        last = encoder.vision_tower(pixel_values=pixels).last_hidden_state
        return last, encoder.multi_modal_projector(last)

    def greedy(self, case, ids, pixels, prefix):
        """The greedy sequence, which one uncached pass over it confirms, and the smallest margin of its choices."""
        limit = case.get("max_new", 24)
        out = self.generate(self.eager, ids, pixels, prefix, max_new_tokens=limit)[0].tolist()
        pass_ids = out[:-1] if len(out) > 1 else out
        o = self.forward(self.eager, ids, pixels, pass_ids, output_hidden_states=bool(case.get("trace")))
        own = o.logits[0][len(prefix) - 1:]
        assert own.argmax(-1).tolist() == out[len(prefix):], (case["name"], "cached and uncached passes disagree")
        top = own.topk(2, -1).values
        margin = float((top[:, 0] - top[:, 1]).min())
        record = dict(max_new_tokens=limit, ids=out, ended=out[-1] in self.eos, min_margin=margin, text=self.texts(out),
                      new_text=self.texts(out[len(prefix):]))
        return record, o

    def searches(self, case, key, ids, pixels, prefix):
        """Sequences of generate() with other options: "variants" of greedy decoding, and "beams"."""
        records = []
        for options in case.get(key, []):
            options = dict(dict(max_new_tokens=case.get("max_new", 24)), **options)
            o = self.generate(self.eager, ids, pixels, prefix, **options, return_dict_in_generate=True,
                              output_scores=True)
            record = dict(args=options, ids=o.sequences.tolist())
            if key == "beams":
                scores = getattr(o, "sequences_scores", None)
                record["scores"] = None if scores is None else [float(x) for x in scores]
            record["sdpa_same"] = self.generate(self.sdpa, ids, pixels, prefix, **options).tolist() == record["ids"]
            record["text"] = [self.texts(s)["skip"] for s in record["ids"]]
            records.append(record)
        return records

    def groups(self, case, ids, pixels, prefix):
        """Diverse beam search as transformers 4 has it."""
        records = []
        for options in case.get("groups", []):
            options = dict(dict(max_new_tokens=case.get("max_new", 24)), **options)
            own = ("num_beams", "num_beam_groups", "diversity_penalty", "max_new_tokens", "length_penalty",
                   "early_stopping", "num_return_sequences")
            processors = self.processors(ids, len(prefix), max_length=len(prefix) + options["max_new_tokens"],
                                         **{key: value for key, value in options.items() if key not in own})
            first = 1 if "sequence_bias" in options else 0
            found, scores = group_beams.search(
                lambda y: self.forward(self.eager, ids, pixels, y).logits[0, -1].float(),
                (LogitsProcessorList(processors[:first]), LogitsProcessorList(processors[first:])), prefix, self.eos, 0,
                **{key: value for key, value in options.items() if key in own})
            records.append(dict(args=options, ids=found, scores=scores, text=[self.texts(s)["skip"] for s in found]))
        return records

    def target(self, ids, pixels, prefix, target):
        """Log-probabilities of a given continuation; a text is followed by <eos>."""
        own = target if isinstance(target, list) else self.plain_ids(target) + [1]
        logits = self.forward(self.eager, ids, pixels, prefix + own[:-1]).logits[0].float()
        rows = torch.log_softmax(logits, -1)[len(prefix) - 1:]
        logprobs = [float(rows[i, x]) for i, x in enumerate(own)]
        return dict(text=target if isinstance(target, str) else None, ids=own, logprobs=logprobs,
                    sum=float(np.sum(np.float64(logprobs))))

    def processors(self, ids, length, **options):
        """The processors that generate() makes of its options for a prompt of `length` ids."""
        config = copy.deepcopy(self.eager.generation_config)
        config.update(**options)
        config._eos_token_tensor = torch.tensor(self.eos)
        return self.eager._get_logits_processor(generation_config=config, input_ids_seq_length=length,
                                                encoder_input_ids=ids, device="cpu")

    def sample(self, path, sample, ids, decoder_ids, logits):
        """Probabilities after the processors at some steps, with all ids before as history."""
        steps = [x for x in sample.get("steps", [0, 3, 7]) if x < len(decoder_ids)]
        options = {key: value for key, value in sample.items() if key != "steps"}
        processors = self.processors(ids, 1, **dict(dict(do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                                                         num_beams=1), **options))
        rows = [torch.softmax(processors(torch.tensor([decoder_ids[:i + 1]]), logits[i:i + 1].clone().float()), -1)[0]
                for i in steps]
        save_array(path, torch.stack(rows))
        return dict(args=options, steps=steps, file=os.path.basename(path),
                    processors=[type(p).__name__ for p in processors], kept=[int((p > 0).sum()) for p in rows])

    @torch.no_grad()
    def batch(self, texts):
        """A padded batch against batch 1, at the positions that are no padding."""
        result = {}
        for side in ("left", "right"):
            self.tokenizer.padding_side = side
            b = self.tokenizer(texts, return_tensors="pt", padding=True)
            given = dict(input_ids=b["input_ids"], attention_mask=b["attention_mask"])
            out = self.eager.generate(**given, do_sample=False, num_beams=1, max_new_tokens=16)
            o = self.eager(**given, decoder_input_ids=out, use_cache=False)
            encoder = logits = 0.0
            same, alone = True, []
            for i, text in enumerate(texts):
                ids = self.tokenizer(text, return_tensors="pt")["input_ids"]
                one = self.eager(**self.arguments(ids, None), decoder_input_ids=out[i:i + 1], use_cache=False)
                real = b["attention_mask"][i].bool()
                encoder = max(encoder, farthest(o.encoder_last_hidden_state[i][real], one.encoder_last_hidden_state[0]))
                logits = max(logits, farthest(o.logits[i], one.logits[0]))
                alone.append(self.generate(self.eager, ids, None, [self.start], max_new_tokens=16)[0].tolist())
                same &= out[i].tolist()[:len(alone[-1])] == alone[-1]
            result[side] = dict(enc_maxdiff=encoder, logits_maxdiff=logits, greedy_same=same)
        self.tokenizer.padding_side = "left"
        return dict(result, greedy_batch1=alone, texts=texts)

    def numerics(self, ids, pixels, decoder_ids, encoder, logits):
        sdpa = self.forward(self.sdpa, ids, pixels, decoder_ids)
        with NoForcedFloat():
            double = self.forward(self.double, ids, pixels, decoder_ids, torch.float64)
        return dict(enc_eager_sdpa=farthest(encoder, sdpa.encoder_last_hidden_state[0]),
                    logits_eager_sdpa=farthest(logits, sdpa.logits[0]),
                    enc_f32_f64=farthest(encoder, double.encoder_last_hidden_state[0]),
                    logits_f32_f64=farthest(logits, double.logits[0]), enc_absmax=float(encoder.abs().max()),
                    logits_absmax=float(logits.abs().max()), logits_std=float(logits.std()),
                    argmax_same_f64=bool((logits.argmax(-1) == double.logits[0].argmax(-1)).all()))

    def run(self, case, directory):
        """One case; returns what its case.json says."""
        os.makedirs(directory, exist_ok=True)
        at = lambda name: os.path.join(directory, name + ".npy")
        record = {k: case[k] for k in ("name", "text", "images", "n", "dec_text", "note") if k in case}
        ids, pixels = self.inputs(case)
        record["n_encoder"] = ids.shape[1]
        save_array(at("input_ids"), ids[0], np.int32)
        if pixels is not None:
            if not case.get("no_pixels"):
                save_array(at("pixel_values"), pixels)
            record["pixel_sha256"] = hashlib.sha256(np.ascontiguousarray(pixels.numpy()).tobytes()).hexdigest()
            last, features = self.vision(pixels)
            save_array(at("vision_last"), last)
            save_array(at("vision_features"), features)
        prefix = record["decoder_prefix"] = self.decoder_prefix(case)
        record["greedy"], o = self.greedy(case, ids, pixels, prefix)
        decoder_ids = case.get("teacher") or record["greedy"]["ids"][:-1]
        if case.get("teacher"):
            o = self.forward(self.eager, ids, pixels, decoder_ids, output_hidden_states=bool(case.get("trace")))
        logits, encoder = o.logits[0], o.encoder_last_hidden_state[0]
        kept = case.get("logit_rows", len(decoder_ids))
        save_array(at("dec_ids"), decoder_ids, np.int32)
        save_array(at("logits"), logits[:kept])
        save_array(at("encoder"), encoder)
        record["logit_rows"] = min(kept, len(decoder_ids))
        record["argmax"] = logits.argmax(-1).tolist()
        if case.get("trace"):
            save_array(at("trace_enc"), torch.cat(list(o.encoder_hidden_states)))
            save_array(at("trace_dec"), torch.cat(list(o.decoder_hidden_states)))
        for key in ("variants", "beams"):
            record[key] = self.searches(case, key, ids, pixels, prefix)
        if case.get("groups"):
            record["groups"] = self.groups(case, ids, pixels, prefix)
        record["targets"] = [self.target(ids, pixels, prefix, t) for t in case.get("targets", [])]
        record["samples"] = [self.sample(at(f"sample{k}"), s, ids, decoder_ids, logits)
                             for k, s in enumerate(case.get("samples", []))]
        if case.get("batch"):
            record["batch"] = self.batch(case["batch"])
        record["numerics"] = self.numerics(ids, pixels, decoder_ids, encoder, logits)
        write_json(os.path.join(directory, "case.json"), record)
        return record


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1, ensure_ascii=False)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model")
    ap.add_argument("cases")
    ap.add_argument("directory")
    ap.add_argument("--pictures", default=".")
    ap.add_argument("--only", nargs="*")
    a = ap.parse_args()
    runner = Runner(a.model, a.pictures)
    with open(a.cases, encoding="utf-8") as f:
        cases = json.load(f)
    summary = []
    for case in cases:
        if a.only and case["name"] not in a.only:
            continue
        r = runner.run(case, os.path.join(a.directory, case["name"]))
        summary.append(dict(name=case["name"], n_encoder=r["n_encoder"], n_greedy=len(r["greedy"]["ids"]),
                            min_margin=r["greedy"]["min_margin"], images=len(case.get("images", [])),
                            numerics=r["numerics"]))
    if not a.only:
        write_json(os.path.join(a.directory, "index.json"),
                   dict(transformers=transformers.__version__, torch=torch.__version__, cases=summary))


if __name__ == "__main__":
    main()
