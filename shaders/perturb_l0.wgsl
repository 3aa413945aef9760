// perturb_l0: perturbation of k entries, Euclidean length eps
//
// Computes   the k entries of largest |g[i, c]|, g = df/dx, scaled to length eps and turned towards t[i]; all others 0. Ties
//            go to the lower column; a zero gradient gives zero.
// Shapes     n samples of the block, rows of ld = 4 ceil(d / 4) whose padding is zero; t over all samples from params.start
// Bindings   0 targets  read        (all samples) -1 or +1
//            1 gradient read_write  (n, ld): df/dx in, r out
//            2 params   uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= n
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    1 <= k <= d
// Order      columns ascending; deterministic
//
// The bits of a non-negative float order as its value does, so the k-th largest is found exactly by 31 steps of bisection
// on its bits, without sorting and without scratch memory.

struct Params {
  n: u32,
  d: u32,
  start: u32,
  k: u32,
  size: f32,
}

@group(0) @binding(0) var<storage, read> targets: array<f32>;
@group(0) @binding(1) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn perturb_l0(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= params.n) {
    return;
  }
  let first = i * ((params.d + 3u) / 4u) * 4u;

  // The largest threshold that at least k entries reach.
  var threshold = 0u;
  for (var bit = 31u; bit > 0u; bit--) {
    let candidate = threshold | (1u << (bit - 1u));
    var reached = 0u;
    for (var c = 0u; c < params.d; c++) {
      reached += select(0u, 1u, (bitcast<u32>(gradient[first + c]) & 0x7fffffffu) >= candidate);
    }
    if (reached >= params.k) {
      threshold = candidate;
    }
  }
  // Those above it are all kept; of those equal to it, as many as are missing, from the left.
  var above = 0u;
  var most = 0.0;
  for (var c = 0u; c < params.d; c++) {
    above += select(0u, 1u, (bitcast<u32>(gradient[first + c]) & 0x7fffffffu) > threshold);
    most = max(most, abs(gradient[first + c]));
  }
  var equal = params.k - above;
  var squares = 0.0;
  for (var c = 0u; c < params.d; c++) {
    let g = gradient[first + c];
    let bits = bitcast<u32>(g) & 0x7fffffffu;
    var keep = bits > threshold;
    if (bits == threshold && equal > 0u) {
      keep = true;
      equal--;
    }
    let value = select(0.0, g / most, keep && most > 0.0);
    gradient[first + c] = value;
    squares += value * value;
  }
  if (squares > 0.0) {
    let factor = params.size * targets[params.start + i] / sqrt(squares);
    for (var c = 0u; c < params.d; c++) {
      gradient[first + c] *= factor;
    }
  }
}
