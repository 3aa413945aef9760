// input_gradient: derivative of the network's output in its input
//
// Computes   gradient[i, c] = sum_j a[j] phi'(h[i, j]) w[j, c] = (1 - slope) sum_{j: bit} a[j] w[j, c] + slope sum_j a[j] w[j, c]
// Shapes     n samples of the block, d inputs, m width, group neurons a mask word, words = ceil(m / group)
// Bindings   0 mask     read        (words, n) derivative bits
//            1 rows     read        (m, ceil(d / 4)) weights as vec4, row-major, rows padded with zeros
//            2 readout  read        (m) a
//            3 gradient read_write  (n, ceil(d / 4)) as vec4
//            4 params   uniform
// Constants  S invocations of a workgroup: the subgroup size on CPU adapters, 64 on GPUs
// Dispatch   (ceil(ceil(d / 4) / S), ceil(n / 8), 1), the second spread over y and z past the grid limit
// Workgroup  (S); no workgroup memory, no barrier
// Assumes    nothing
// Order      j ascending; deterministic
//
// A lane makes 8 samples x 4 columns. A sample's word serves `group` neurons, so the masks cost almost no loads. It runs
// once a perturbation: 8 rows, not more, keep its compile time small, and a store in a loop to a parameter, which is 8 too, takes
// a quarter off (lavapipe: 0.19 s written out, 0.14 s so; the masks in such a loop 0.10 s, but a tenth slower).

override S: u32 = 64u;

struct Params {
  n: u32,
  d: u32,
  m: u32,
  group: u32,
  height: u32,
  slope: f32,
}

@group(0) @binding(0) var<storage, read> mask: array<u32>;
@group(0) @binding(1) var<storage, read> rows: array<vec4f>;
@group(0) @binding(2) var<storage, read> readout: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(S)
fn input_gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = params.n;
  let m = params.m;
  let ld = (params.d + 3u) / 4u;
  let quad = group.x * S + lane;
  let inside = min(quad, ld - 1u);
  let first = (group.z * groups.y + group.y) * 8u;
  if (first >= n) {
    return;
  }

  var bits: array<u32, 8>;
  var acc: array<vec4f, 8>;
  var whole = vec4f(0.0);
  var word = 0u;
  for (var j0 = 0u; j0 < m; j0 += params.group) {
    // @unroll
    for (var r = 0u; r < 8u; r++) {
      bits[r] = mask[word * n + min(first + r, n - 1u)];
    }
    for (var b = 0u; b < min(params.group, m - j0); b++) {
      let w = readout[j0 + b] * rows[(j0 + b) * ld + inside];
      whole += w;
      // @unroll
      for (var r = 0u; r < 8u; r++) {
        acc[r] += f32((bits[r] >> b) & 1u) * w;
      }
    }
    word++;
  }
  if (quad < ld) {
    // @unroll
    for (var r = 0u; r < 8u; r++) {
      acc[r] = (1.0 - params.slope) * acc[r] + params.slope * whole;
    }
    var kept = acc;
    for (var r = 0u; r < min(params.height, n - first); r++) {
      gradient[(first + r) * ld + quad] = kept[r];
    }
  }
}
