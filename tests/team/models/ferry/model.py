"""Train, tune and export the ferry model: a logistic regression."""

import keras
import keras_tuner
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.tuner.component import TunerFnResult
from tfx_bsl.public import tfxio

SEED = 13


def run_fn(fn_args):
    """Train with `fn_args.hyperparameters` and export."""
    keras.utils.set_random_seed(SEED)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    values = fn_args.hyperparameters.get("values", fn_args.hyperparameters)
    label = fn_args.custom_config["label"]
    model = _build(values, transform, label)
    curves = keras.callbacks.TensorBoard(
        fn_args.model_run_dir, update_freq="epoch", write_graph=False
    )
    fit_arguments = _fit_arguments(fn_args, transform)
    model.fit(**fit_arguments, callbacks=[curves])
    _export(model, transform, fn_args)


def tuner_fn(fn_args):
    """A seeded random search of `custom_config["space"]` for the best validation AUC."""
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    space = keras_tuner.HyperParameters()
    choices_by_name = fn_args.custom_config["space"]
    for name, choices in choices_by_name.items():
        space.Choice(name, choices)
    label = fn_args.custom_config["label"]
    tuner = keras_tuner.RandomSearch(
        lambda hp: _build(hp.values, transform, label),
        objective=keras_tuner.Objective("val_auc", "max"),
        max_trials=fn_args.custom_config["trials"],
        hyperparameters=space,
        seed=SEED,
        directory=fn_args.working_dir,
    )
    fit_arguments = _fit_arguments(fn_args, transform)
    return TunerFnResult(tuner=tuner, fit_kwargs=fit_arguments)


def _build(values, transform, label):
    schema = transform.transformed_metadata.schema
    inputs = {}
    for feature in schema.feature:
        name = feature.name
        if name != label:
            inputs[name] = keras.Input((1,), name=name)
    tensors = list(inputs.values())
    joined = keras.layers.Concatenate()(tensors)
    score = keras.layers.Dense(1, activation="sigmoid")(joined)
    model = keras.Model(inputs, score)
    model.compile(
        optimizer=keras.optimizers.Adam(values["learning_rate"]),
        loss="binary_crossentropy",
        metrics=[keras.metrics.AUC(name="auc")],
    )
    return model


def _fit_arguments(fn_args, transform):
    label = fn_args.custom_config["label"]
    options = tfxio.TensorFlowDatasetOptions(batch_size=32, shuffle=False, label_key=label)

    def batches(files):
        schema = transform.transformed_metadata.schema
        rows = fn_args.data_accessor.tf_dataset_factory(files, options, schema)
        return rows.map(lambda features, late: (_one_wide(features), late))

    return {
        "x": batches(fn_args.train_files),
        "steps_per_epoch": fn_args.train_steps,
        "validation_data": batches(fn_args.eval_files),
        "validation_steps": fn_args.eval_steps,
        "verbose": 0,
    }


def _one_wide(features):
    """The same features of shape [batch, 1], as the model's inputs take them."""
    return {name: values[:, None] for name, values in features.items()}


def _export(model, transform, fn_args):
    """A SavedModel that takes serialized tf.Examples of raw columns."""
    raw = transform.raw_feature_spec()
    never_served = fn_args.custom_config["never_served"]
    served = {name: spec for name, spec in raw.items() if name not in never_served}
    module = tf.Module()
    module.transform = transform.transform_features_layer()
    module.weights = [variable.value for variable in model.variables]
    signature = [tf.TensorSpec([None], tf.string, name="examples")]

    @tf.function(input_signature=signature, autograph=False)
    def serving_default(examples):
        columns = tf.io.parse_example(examples, served)
        features = module.transform(columns)
        scores = model(_one_wide(features))
        return {"score": tf.squeeze(scores, axis=1)}

    @tf.function(input_signature=signature, autograph=False)
    def transform_features(examples):
        columns = tf.io.parse_example(examples, raw)
        return module.transform(columns)

    signatures = {"serving_default": serving_default, "transform_features": transform_features}
    tf.saved_model.save(module, fn_args.serving_model_dir, signatures=signatures)
