// sign_mask: derivative bits of stored pre-activations
//
// Computes   bit r of mask[w, i] = h[w G + r, i] > 0
// Shapes     h (m, ld) of which n columns count; mask (words, n), words = ceil(m / group)
// Bindings   0 h      read        (m, ld), from element params.first on
//            1 mask   read_write  (words, n), from element params.mask_first on
//            2 params uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= words n
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      each word on its own; exact

struct Params {
  n: u32,
  m: u32,
  ld: u32,
  group: u32,
  words: u32,
  first: u32,
  mask_first: u32,
}

@group(0) @binding(0) var<storage, read> h: array<f32>;
@group(0) @binding(1) var<storage, read_write> mask: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn sign_mask(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * 64u + lane;
  let word = at / params.n;
  let i = at % params.n;
  if (word >= params.words) {
    return;
  }
  var bits = 0u;
  for (var r = 0u; r < params.group; r++) {
    let j = word * params.group + r;
    if (j < params.m && h[params.first + j * params.ld + i] > 0.0) {
      bits |= 1u << r;
    }
  }
  mask[params.mask_first + at] = bits;
}
