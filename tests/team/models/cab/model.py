"""Train, tune and export the ride model: embedded categories and numbers into one dense layer."""

import keras
import keras_tuner
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.tuner.component import TunerFnResult
from tfx_bsl.public import tfxio

SEED = 13
EPOCHS = 5  # points of the training curves


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
    fit_arguments = _fit_arguments(fn_args, transform, values["batch_size"])
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

    def build(hp):
        keras.utils.set_random_seed(SEED)
        return _build(hp.values, transform, label)

    tuner = keras_tuner.RandomSearch(
        build,
        objective=keras_tuner.Objective("val_auc", "max"),
        max_trials=fn_args.custom_config["trials"],
        hyperparameters=space,
        seed=SEED,
        directory=fn_args.working_dir,
    )
    fit_arguments = _fit_arguments(fn_args, transform, 64)
    return TunerFnResult(tuner=tuner, fit_kwargs=fit_arguments)


def _build(values, transform, label):
    schema = transform.transformed_metadata.schema
    features = [feature for feature in schema.feature if feature.name != label]
    categories = {f.name: f.int_domain.max + 1 for f in features if f.HasField("int_domain")}
    inputs = {}
    for feature in features:
        name = feature.name
        kind = "int64" if name in categories else "float32"
        inputs[name] = keras.Input((1,), name=name, dtype=kind)
    embedded = [_embedded(inputs[name], size) for name, size in categories.items()]
    numbers = [tensor for name, tensor in inputs.items() if name not in categories]
    joined = keras.layers.Concatenate()([*embedded, *numbers])
    hidden = keras.layers.Dense(values["hidden_units"], activation="relu")(joined)
    score = keras.layers.Dense(1, activation="sigmoid")(hidden)
    model = keras.Model(inputs, score)
    model.compile(
        optimizer=keras.optimizers.Adam(values["learning_rate"]),
        loss="binary_crossentropy",
        metrics=[keras.metrics.AUC(name="auc")],
        steps_per_execution=10,
    )
    return model


def _embedded(category, size):
    embedding = keras.layers.Embedding(int(size), 4)
    flatten = keras.layers.Flatten()
    return flatten(embedding(category))


def _fit_arguments(fn_args, transform, batch_size):
    """The arguments of `fit`: shuffled batches, as many an epoch as make `train_steps` in all."""

    def batches(files, shuffle):
        options = tfxio.TensorFlowDatasetOptions(
            batch_size=batch_size,
            shuffle=shuffle,
            shuffle_seed=SEED,
            label_key=fn_args.custom_config["label"],
        )
        schema = transform.transformed_metadata.schema
        rows = fn_args.data_accessor.tf_dataset_factory(files, options, schema)
        return rows.map(lambda features, label: (_one_wide(features), label))

    epochs = min(EPOCHS, fn_args.train_steps)
    return {
        "x": batches(fn_args.train_files, shuffle=True),
        "epochs": epochs,
        "steps_per_epoch": fn_args.train_steps // epochs,
        "validation_data": batches(fn_args.eval_files, shuffle=False),
        "validation_steps": fn_args.eval_steps,
        "shuffle": False,
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
