// fma_throughput: multiply-adds between registers and nothing else, the ceiling that products of matrices are measured against
//
// Computes   output[e] = sum of the components of x_0 .. x_{R-1} after `rounds` times U steps x <- scale x + shift, where
//            every component of x_r begins as e % 32 + r
// Shapes     count invocations; 4 R U rounds multiply-adds each
// Bindings   0 output read_write  (count)
//            1 params uniform
// Constants  R independent chains of vec4 in registers; U steps of each a round
// Dispatch   (x, y, 1) with 64 x y >= count
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      each chain on its own, chains ascending in the sum; deterministic
//
// Scale and shift come from the uniform and the start from the invocation, so nothing folds; the sum keeps every chain
// alive. A chain waits for its own multiply-add (4 cycles on CPUs and on NVIDIA), so several run side by side: on lavapipe one
// reached 32 GFLOP/s, two 53, four 74, eight 72 (machine loaded). The ceiling is the best of a few blockings, src/bench/ceilings.

const R = 4u; // @specialised
const U = 8u; // @specialised

struct Params {
  count: u32,
  rounds: u32,
  scale: f32,
  shift: f32,
}

@group(0) @binding(0) var<storage, read_write> output: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(64)
fn fma_throughput(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * 64u + lane;
  let scale = vec4f(params.scale);
  let shift = vec4f(params.shift);
  var x: array<vec4f, R>;
  // @unroll
  for (var r = 0u; r < R; r++) {
    x[r] = vec4f(f32(at % 32u + r));
  }
  for (var round = 0u; round < params.rounds; round++) {
    // @unroll
    for (var u = 0u; u < U; u++) {
      // @unroll
      for (var r = 0u; r < R; r++) {
        x[r] = fma(scale, x[r], shift);
      }
    }
  }
  var sum = 0.0;
  // @unroll
  for (var r = 0u; r < R; r++) {
    sum += x[r].x + x[r].y + x[r].z + x[r].w;
  }
  if (at < params.count) {
    output[at] = sum;
  }
}
