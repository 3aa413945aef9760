// background_dot: the inner product of every sample with one more vector
//
// Computes   output[output_first + i] = offset + sum_k x[i, k] g[k]
// Shapes     samples i in panels of 32, whole: (panels, steps, 32); g (steps)
// Bindings   0 x          read        panels; the padding of the last one counts as samples
//            1 background read        g
//            2 output     read_write  (output_first + 32 panels)
//            3 params     uniform
// Constants  none
// Dispatch   (x, y, 1) with x y >= panels
// Workgroup  (32); no workgroup memory, no barrier
// Assumes    nothing
// Order      the offset, then k ascending, in one invocation; deterministic

struct Params {
  panels: u32,
  steps: u32,
  output_first: u32,
  offset: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> background: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(32)
fn background_dot(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let p = group.y * groups.x + group.x;
  if (p >= params.panels) {
    return;
  }
  var sum = params.offset;
  for (var k = 0u; k < params.steps; k++) {
    sum += x[(p * params.steps + k) * 32u + lane] * background[k];
  }
  output[params.output_first + p * 32u + lane] = sum;
}
