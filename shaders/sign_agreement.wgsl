// sign_agreement: how many points two networks put on the same side
//
// Computes   count[0] += number of i with sign(f[i]) = sign(g[i]), the sign being -1, 0 or +1
// Shapes     n points
// Bindings   0 f      read        (at least n) outputs
//            1 g      read        (at least n) outputs
//            2 count  read_write  (1) unsigned
//            3 params uniform
// Constants  none
// Dispatch   (1, 1, 1)
// Workgroup  (256); 1 KiB of workgroup memory
// Assumes    nothing
// Order      integers; exact

struct Params {
  n: u32,
}

@group(0) @binding(0) var<storage, read> f: array<f32>;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> count: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> counts: array<u32, 256>;

@compute @workgroup_size(256)
fn sign_agreement(@builtin(local_invocation_index) lane: u32) {
  var same = 0u;
  for (var i = lane; i < params.n; i += 256u) {
    same += select(0u, 1u, sign(f[i]) == sign(g[i]));
  }
  counts[lane] = same;
  workgroupBarrier();
  if (lane == 0u) {
    for (var t = 1u; t < 256u; t++) {
      same += counts[t];
    }
    count[0] += same;
  }
}
