// margin_summary: mean loss and number of correct samples
//
// Computes   summary[0] = (1 / n) sum_i loss(margin[i]), summary[1] = number of margin[i] > 0 (as a float, exact to 2^24)
//            identity loss -z; logistic log(1 + exp(-z)), computed as max(-z, 0) + log1p(exp(-|z|)). A margin that is
//            infinite or NaN makes the mean so too.
// Shapes     n samples, all of them
// Bindings   0 margin   read        (n) y f
//            1 summary  read_write  (2)
//            2 params   uniform
// Constants  T invocations, at most 256, the square of params.root
// Dispatch   (1, 1, 1)
// Workgroup  (T); 8 T bytes of workgroup memory
// Assumes    nothing
// Order      invocation t sums i = t, t + T, ... ascending, then root sums of root, then their sum; deterministic
//
// T is 256 on a GPU and 64 on CPU adapters, where every subgroup between barriers becomes a coroutine: compiling takes lavapipe
// 0.13 s at 64, 0.24 s at 256. Loops run to a parameter, or it would write them out: 0.06 s at 64.

override T: u32 = 256u;

struct Params {
  n: u32,
  logistic: u32,
  root: u32,
}

@group(0) @binding(0) var<storage, read> margin: array<f32>;
@group(0) @binding(1) var<storage, read_write> summary: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> losses: array<f32, T>;
var<workgroup> counts: array<u32, T>;

// exp(-t) for t >= 0, as in output_residual.
fn exp_minus(t: f32) -> f32 {
  if (t > 87.0) {
    return 0.0;
  }
  let k = round(t * 1.44269504);
  let r = (k * 0.693359375 - t) + k * -2.12194440e-4;
  let p = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r / 5040.0))))));
  return p * bitcast<f32>((127u - u32(k)) << 23u);
}

// log(1 + t) for 0 <= t <= 1 = 2 atanh(t / (2 + t)), whose series needs 8 terms for u <= 1/3. log(1.0 + t) would be
// zero for every t below 6e-8, and the plateau schedule would see a loss that has stopped falling.
fn log1p_series(t: f32) -> f32 {
  let u = t / (2.0 + t);
  let v = u * u;
  let s = 1.0 + v * (1.0 / 3.0 + v * (1.0 / 5.0 + v * (1.0 / 7.0 + v * (1.0 / 9.0 + v * (1.0 / 11.0 + v * (1.0 / 13.0 + v / 15.0))))));
  return 2.0 * u * s;
}

@compute @workgroup_size(T)
fn margin_summary(@builtin(local_invocation_index) lane: u32) {
  var loss = 0.0;
  var count = 0u;
  for (var i = lane; i < params.n; i += T) {
    let z = margin[i];
    // By its bits: drivers may take it that no NaN exists, max() may drop one, and the loss of an infinite margin is 0.
    if ((bitcast<u32>(z) & 0x7f800000u) == 0x7f800000u) {
      loss += abs(z);
    } else if (params.logistic == 1u) {
      loss += max(-z, 0.0) + log1p_series(exp_minus(abs(z)));
    } else {
      loss -= z;
    }
    count += select(0u, 1u, z > 0.0);
  }
  losses[lane] = loss;
  counts[lane] = count;
  workgroupBarrier();
  // A root of T adds as many each, one adds those: two barriers instead of the eight of a binary tree, which is what counts on CPU
  // adapters.
  if (lane < params.root) {
    for (var t = 1u; t < params.root; t++) {
      loss += losses[lane + params.root * t];
      count += counts[lane + params.root * t];
    }
  }
  workgroupBarrier();
  if (lane < params.root) {
    losses[lane] = loss;
    counts[lane] = count;
  }
  workgroupBarrier();
  if (lane == 0u) {
    for (var t = 1u; t < params.root; t++) {
      loss += losses[t];
      count += counts[t];
    }
    summary[0] = loss / f32(params.n);
    summary[1] = f32(count);
  }
}
