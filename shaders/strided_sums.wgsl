// strided_sums: sums along one axis of a matrix
//
// Computes   output[e] = sum_k input[first + e outer + k inner], added to output[e] if accumulate is 1
// Shapes     count sums of steps terms
// Bindings   0 input  read        the matrix
//            1 output read_write  (output_first + count)
//            2 params uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= count
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      what the output holds, then k ascending, in one invocation; deterministic, and the same if the terms come in
//            several calls

struct Params {
  count: u32,
  steps: u32,
  first: u32,
  outer: u32,
  inner: u32,
  output_first: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn strided_sums(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let e = (group.y * groups.x + group.x) * 64u + lane;
  if (e >= params.count) {
    return;
  }
  let at = params.output_first + e;
  var sum = select(0.0, output[at], params.accumulate == 1u);
  for (var k = 0u; k < params.steps; k++) {
    sum += input[params.first + e * params.outer + k * params.inner];
  }
  output[at] = sum;
}
