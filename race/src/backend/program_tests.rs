use std::sync::atomic::AtomicBool;

use burn::backend::Flex;
use proptest::prelude::*;

use super::*;
use crate::backend::host;
use crate::preset::{Spec, PAPER, TINY};
use crate::reference::Reference;
use crate::seed::node_seed;

/// The passes on the host, where they are tested as part of the `flex` backend.
impl Passes for Flex {
    fn product(
        x: BurnTensor<Self, 2>,
        w: BurnTensor<Self, 2>,
    ) -> Result<BurnTensor<Self, 2>, BackendError> {
        Ok(x.matmul(w))
    }

    fn residual(
        preset: &Preset,
        n: BurnTensor<Self, 2>,
        update: BurnTensor<Self, 2>,
        shift: u32,
    ) -> BurnTensor<Self, 2> {
        let mut rows: Vec<i8> = values(n).into_iter().map(|x| x as i8).collect();
        host::residual(preset, &mut rows, &values(update), shift);
        tensor(host::floats(&rows), preset.d_model)
    }

    fn gate(preset: &Preset, gate_up: BurnTensor<Self, 2>) -> BurnTensor<Self, 2> {
        tensor(host::gate(preset, &values(gate_up)), preset.d_ffn)
    }

    fn attend(preset: &Preset, qkv: BurnTensor<Self, 2>) -> BurnTensor<Self, 2> {
        tensor(host::attend(preset, &values(qkv)), preset.d_attn())
    }
}

fn values(tensor: BurnTensor<Flex, 2>) -> Vec<f32> {
    tensor.into_data().into_vec().unwrap()
}

fn tensor(values: Vec<f32>, columns: usize) -> BurnTensor<Flex, 2> {
    let shape = [values.len() / columns, columns];
    floats::<Flex>(values, shape, &Default::default())
}

/// What `B` computes for `inputs`: outputs and distances.
fn on<B: Passes>(race: &Race, inputs: &[NonceInput], threads: usize) -> (Vec<Vec<i8>>, Vec<i32>) {
    let never = AtomicBool::new(false);
    let weights =
        Weights::generate(race.preset(), race.seed(), threads, &never, &mut |_, _| ()).unwrap();
    let program = Program::<B>::load(race, &weights, Default::default(), threads, &never).unwrap();
    let batch: Vec<&NonceInput> = inputs.iter().collect();
    let outputs = program.forward(&batch, &never).unwrap();
    let places: Vec<usize> = (0..inputs.len()).collect();
    let distances = program.distances(&outputs, inputs).unwrap();
    (program.rows(&outputs, &places).unwrap(), distances)
}

/// What the definition says.
fn expected(race: &Race, inputs: &[NonceInput]) -> (Vec<Vec<i8>>, Vec<i32>) {
    let never = AtomicBool::new(false);
    let outputs = Reference::new(race.clone(), 1).outputs(inputs, &never);
    let outputs = outputs.unwrap();
    let judged = inputs.iter().zip(&outputs);
    let distances = judged.map(|(input, y)| race.judge(input, y).distance as i32);
    let distances = distances.collect();
    (outputs, distances)
}

fn inputs(race: &Race, public_key: &[u8; 32], nonces: &[u64]) -> Vec<NonceInput> {
    let node_seed = node_seed(public_key);
    let nonces = nonces.iter();
    nonces.map(|&nonce| race.input(&node_seed, nonce)).collect()
}

/// The widths of `paper` in one layer, so that a debug build of the reference is quick.
fn one_layer_of_paper() -> &'static Preset {
    let spec = Spec {
        layers: 1,
        vocab: 64,
        ..*PAPER
    };
    Box::leak(Box::new(Preset::prove(spec).unwrap()))
}

#[test]
fn the_program_gives_the_reference_outputs_in_the_widths_of_paper() {
    let race = Race::new(one_layer_of_paper(), [5; 32]);
    let inputs = inputs(&race, &[6; 32], &[0, 1, u64::MAX]);
    assert_eq!(on::<Flex>(&race, &inputs, 2), expected(&race, &inputs));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_program_gives_the_reference_outputs_and_distances(
        seed in any::<[u8; 32]>(),
        public_key in any::<[u8; 32]>(),
        nonces in proptest::collection::vec(any::<u64>(), 1..12),
        threads in 1usize..4,
    ) {
        let race = Race::new(&TINY, seed);
        let inputs = inputs(&race, &public_key, &nonces);
        prop_assert_eq!(on::<Flex>(&race, &inputs, threads), expected(&race, &inputs));
    }
}

#[test]
fn the_program_reproduces_the_vectors() {
    for json in [
        include_str!("../../tests/vectors/race-tiny-a.json"),
        include_str!("../../tests/vectors/race-tiny-b.json"),
    ] {
        let file: serde_json::Value = serde_json::from_str(json).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let bytes = |name| hex::decode(text(&file[name])).unwrap().try_into().unwrap();
        let race = Race::new(&TINY, bytes("race_seed"));
        let vectors = file["nonces"].as_array().unwrap();
        let nonces: Vec<u64> = vectors
            .iter()
            .map(|vector| text(&vector["nonce"]).parse().unwrap())
            .collect();
        let inputs = inputs(&race, &bytes("public_key"), &nonces);
        let (outputs, distances) = on::<Flex>(&race, &inputs, 2);
        for (place, vector) in vectors.iter().enumerate() {
            assert_eq!(i64::from(distances[place]), vector["distance"]);
            let leaf = race.judge(&inputs[place], &outputs[place]).leaf();
            assert_eq!(hex::encode(leaf.hash), text(&vector["leaf"]));
        }
    }
}

#[test]
fn rows_come_back_in_the_order_they_are_asked_for() {
    let race = Race::new(&TINY, [7; 32]);
    let inputs = inputs(&race, &[8; 32], &[1, 2, 3, 4, 5]);
    let (all, _) = on::<Flex>(&race, &inputs, 1);
    let never = AtomicBool::new(false);
    let weights = Weights::generate(&TINY, race.seed(), 1, &never, &mut |_, _| ()).unwrap();
    let program = Program::<Flex>::load(&race, &weights, Default::default(), 1, &never).unwrap();
    let batch: Vec<&NonceInput> = inputs.iter().collect();
    let outputs = program.forward(&batch, &never).unwrap();
    let some = program.rows(&outputs, &[4, 0, 2]).unwrap();
    assert_eq!(some, [all[4].clone(), all[0].clone(), all[2].clone()]);
}

#[test]
fn a_cancelled_pass_stops() {
    let race = Race::new(&TINY, [7; 32]);
    let inputs = inputs(&race, &[8; 32], &[1]);
    let never = AtomicBool::new(false);
    let weights = Weights::generate(&TINY, race.seed(), 1, &never, &mut |_, _| ()).unwrap();
    let program = Program::<Flex>::load(&race, &weights, Default::default(), 1, &never).unwrap();
    let cancelled = program.forward(&[&inputs[0]], &AtomicBool::new(true));
    assert_eq!(cancelled.err(), Some(BackendError::Cancelled));
}

/// The kernels themselves, on whatever Vulkan device there is; Mesa's lavapipe is one without a GPU.
#[cfg(feature = "wgpu")]
mod kernels {
    use super::*;

    type Wgpu = burn_cubecl::CubeBackend<cubecl::wgpu::WgpuRuntime, f32, i32, u32>;

    #[test]
    fn the_kernels_give_the_reference_outputs_and_distances() {
        for (seed, nonces) in [(1, 7), (2, 33)] {
            let race = Race::new(&TINY, [seed; 32]);
            let nonces: Vec<u64> = (0..nonces).map(|nonce| nonce << seed).collect();
            let inputs = inputs(&race, &[seed; 32], &nonces);
            assert_eq!(on::<Wgpu>(&race, &inputs, 2), expected(&race, &inputs));
        }
    }

    #[test]
    fn the_kernels_give_the_reference_outputs_in_the_widths_of_paper() {
        let race = Race::new(one_layer_of_paper(), [5; 32]);
        let inputs = inputs(&race, &[6; 32], &[0, 1, u64::MAX]);
        assert_eq!(on::<Wgpu>(&race, &inputs, 2), expected(&race, &inputs));
    }
}
