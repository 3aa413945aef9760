// plateau: learning-rate schedule and training history, once an epoch
//
// Computes   records loss, learning rate and accuracy of epoch t; then torch's ReduceLROnPlateau (mode min, relative
//            threshold, no cooldown): improved if loss < best (1 - threshold), else one more bad epoch; when bad epochs
//            exceed patience, lr <- factor lr unless that changes it by 1e-8 or less, and the count restarts
// Shapes     history holds (epochs, 3)
// Bindings   0 summary  read        (2) loss and number correct, from margin_summary
//            1 state    read_write  (8) lr of this epoch, lr of the next, best loss, bad epochs, epoch, three unused
//            2 history  read_write  (epochs, 3) loss, lr, number correct
//            3 params   uniform
// Constants  none
// Dispatch   (1, 1, 1)
// Workgroup  (1); no workgroup memory, no barrier
// Assumes    state starts as (lr, lr, largest float, 0, 0, ...); epochs and bad epochs are counted exactly below 2^24
// Order      one invocation; deterministic
//
// The step of epoch t uses state[0], which is set here before the schedule looks at the loss of epoch t.

struct Params {
  enabled: u32,
  patience: u32,
  factor: f32,
  keep: f32,
}

@group(0) @binding(0) var<storage, read> summary: array<f32>;
@group(0) @binding(1) var<storage, read_write> state: array<f32>;
@group(0) @binding(2) var<storage, read_write> history: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(1)
fn plateau() {
  let loss = summary[0];
  let lr = state[1];
  let epoch = u32(state[4]);
  history[epoch * 3u] = loss;
  history[epoch * 3u + 1u] = lr;
  history[epoch * 3u + 2u] = summary[1];
  state[0] = lr;
  state[4] = f32(epoch + 1u);
  if (params.enabled == 0u) {
    return;
  }
  // keep = 1 - threshold. A loss that is not a number is never an improvement, not even the first.
  if (loss < state[2] * params.keep) {
    state[2] = loss;
    state[3] = 0.0;
    return;
  }
  state[3] += 1.0;
  if (state[3] > f32(params.patience)) {
    let lower = lr * params.factor;
    if (lr - lower > 1e-8) {
      state[1] = lower;
    }
    state[3] = 0.0;
  }
}
