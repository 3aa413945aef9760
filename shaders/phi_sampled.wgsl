// phi_sampled: Phi of many pairs of samples, estimated from drawn neurons
//
// Computes   tile[k, i] = y[k] (n11 + slope (n10 + n01) + slope^2 n00) / draws: n11 counts the drawn neurons on which both
//            samples have a positive pre-activation, n10 and n01 those on which one has, n00 the rest
// Shapes     rows samples of a block (start before it) by columns points; words = ceil(draws / 32) derivative bits each,
//            zero past the last draw; tile rows of ld
// Bindings   0 x_bits read        (words, rows)
//            1 z_bits read        (words, columns)
//            2 labels read        (all samples) -1 or +1
//            3 tile   read_write  (rows, ld)
//            4 params uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= rows ld
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    draws below 2^24, so that counts are exact in float32
// Order      integers; deterministic

struct Params {
  rows: u32,
  columns: u32,
  ld: u32,
  words: u32,
  start: u32,
  draws: u32,
  slope: f32,
}

@group(0) @binding(0) var<storage, read> x_bits: array<u32>;
@group(0) @binding(1) var<storage, read> z_bits: array<u32>;
@group(0) @binding(2) var<storage, read> labels: array<f32>;
@group(0) @binding(3) var<storage, read_write> tile: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn phi_sampled(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * 64u + lane;
  let k = at / params.ld;
  let i = at % params.ld;
  if (k >= params.rows || i >= params.columns) {
    return;
  }
  var both = 0u;
  var either = 0u;
  for (var word = 0u; word < params.words; word++) {
    let p = x_bits[word * params.rows + k];
    let q = z_bits[word * params.columns + i];
    both += countOneBits(p & q);
    either += countOneBits(p ^ q);
  }
  let neither = f32(params.draws - both - either);
  let sum = f32(both) + params.slope * (f32(either) + params.slope * neither);
  tile[at] = labels[params.start + k] * sum / f32(params.draws);
}
