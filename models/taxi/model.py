"""Train, tune and export the taxi model: a wide and a deep look at the same transformed features."""

import keras
import keras_tuner
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult
from tfx_bsl.public import tfxio

SEED = 13
EPOCHS = 10  # points of the training curves
STEPS_PER_CALL = 50  # steps between two returns to Python


def run_fn(fn_args: FnArgs) -> None:
    """Train with `fn_args.hyperparameters` and export; TFX's Trainer calls this."""
    keras.utils.set_random_seed(SEED)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    values = fn_args.hyperparameters.get(
        "values", fn_args.hyperparameters
    )  # a Tuner nests them, best.json doesn't
    model = _build(values, transform, fn_args.custom_config["label"])
    curves = keras.callbacks.TensorBoard(
        fn_args.model_run_dir, update_freq="epoch", write_graph=False
    )
    model.fit(**_fit_arguments(fn_args, transform)(values["batch_size"]), callbacks=[curves])
    _export(model, transform, fn_args)


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """A seeded random search of `custom_config["space"]` for the best validation AUC; TFX's Tuner calls this."""
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    space = keras_tuner.HyperParameters()
    for name, choices in fn_args.custom_config["space"].items():
        space.Choice(name, choices)
    fit_arguments = _fit_arguments(fn_args, transform)

    class Trial(keras_tuner.HyperModel):
        def build(self, hp):
            keras.utils.set_random_seed(SEED)
            return _build(hp.values, transform, fn_args.custom_config["label"])

        def fit(self, hp, model, **kwargs):  # overridden because the batch size is tuned too
            return model.fit(**fit_arguments(hp.get("batch_size")), **kwargs)

    tuner = keras_tuner.RandomSearch(
        Trial(),
        objective=keras_tuner.Objective("val_auc", "max"),
        max_trials=fn_args.custom_config["trials"],
        hyperparameters=space,
        seed=SEED,
        directory=fn_args.working_dir,
    )
    return TunerFnResult(tuner=tuner, fit_kwargs={})


def _build(values, transform, label):
    """A logit that sums one weight a category (wide) and a small network over embeddings and numbers (deep)."""
    features = [f for f in transform.transformed_metadata.schema.feature if f.name != label]
    categories = [f for f in features if f.HasField("int_domain")]
    inputs = {
        f.name: keras.Input((), name=f.name, dtype="int64" if f in categories else "float32")
        for f in features
    }
    numbers = keras.ops.stack([inputs[f.name] for f in features if f not in categories], axis=1)
    # One table holds every feature's categories, each after the last's: one lookup instead of one a feature.
    sizes = [f.int_domain.max + 1 for f in categories]
    starts = np.cumsum([0, *sizes])
    rows = keras.ops.stack([inputs[f.name] for f in categories], axis=1) + starts[:-1]

    weights = keras.layers.Flatten()(
        keras.layers.Embedding(int(starts[-1]), 1, embeddings_initializer="zeros")(rows)
    )
    wide = keras.ops.sum(weights, axis=1, keepdims=True)
    embedded = keras.layers.Flatten()(
        keras.layers.Embedding(int(starts[-1]), values["embedding_width"])(rows)
    )
    deep = keras.layers.Concatenate()([embedded, numbers])
    for units in (values["hidden_units"], values["hidden_units"] // 2):
        deep = keras.layers.Dropout(values["dropout"])(
            keras.layers.Dense(units, activation="relu")(deep)
        )
    score = keras.layers.Activation("sigmoid")(wide + keras.layers.Dense(1)(deep))

    model = keras.Model(inputs, score)
    model.compile(
        optimizer=keras.optimizers.Adam(values["learning_rate"]),
        loss="binary_crossentropy",
        metrics=[keras.metrics.AUC(name="auc")],
        steps_per_execution=STEPS_PER_CALL,
    )
    return model


def _fit_arguments(fn_args, transform):
    """A function from batch size to `fit`'s arguments; the rows are read and parsed once and then kept in memory."""
    options = tfxio.TensorFlowDatasetOptions(
        batch_size=10_000, num_epochs=1, shuffle=False, label_key=fn_args.custom_config["label"]
    )

    def read(files):
        parts = fn_args.data_accessor.tf_dataset_factory(
            files, options, transform.transformed_metadata.schema
        )
        return tf.nest.map_structure(lambda *columns: tf.concat(columns, axis=0), *parts)

    train, held_out = read(fn_args.train_files), read(fn_args.eval_files)
    epochs = min(EPOCHS, fn_args.train_steps)

    def arguments(batch_size):
        shuffled = _batches(train, batch_size, shuffled=True).take(fn_args.train_steps // epochs)
        rows = min(fn_args.eval_steps * batch_size, len(held_out[1]))
        validation = _batches(held_out, rows, shuffled=False).take(
            1
        )  # as one batch: it is asked at each epoch
        # shuffle=False: it is done already, and Keras warns otherwise
        return {
            "x": shuffled,
            "epochs": epochs,
            "validation_data": validation,
            "shuffle": False,
            "verbose": 0,
        }

    return arguments


def _batches(rows, batch_size, shuffled):
    """Batches of row numbers made into batches of rows: far cheaper than shuffling and batching the rows themselves."""
    count = len(rows[1])
    numbers = tf.data.Dataset.range(count)
    if shuffled:
        numbers = numbers.shuffle(count, seed=SEED).repeat()

    def pick(picked):
        return tf.nest.map_structure(lambda column: tf.gather(column, picked), rows)

    return numbers.batch(batch_size).map(pick).prefetch(tf.data.AUTOTUNE)


def _export(model, transform, fn_args):
    """A SavedModel that takes serialized tf.Examples of raw columns; its signatures are the contract with Evaluator and serving."""
    asked = transform.raw_feature_spec()
    served = {
        name: spec
        for name, spec in asked.items()
        if name not in fn_args.custom_config["never_served"]
    }
    module = tf.Module()
    module.transform = transform.transform_features_layer()
    # The variables rather than the Keras model: it would save each twice, and TF1 loaders (BulkInferrer's) restore the wrong one.
    module.weights = [variable.value for variable in model.variables]
    signature = [tf.TensorSpec([None], tf.string, name="examples")]

    # autograph=False: no tensor decides the flow here, and turning all of Transform's own functions into graph code takes a second
    @tf.function(input_signature=signature, autograph=False)
    def serving_default(examples):
        features = module.transform(tf.io.parse_example(examples, served))
        return {"score": tf.squeeze(model(features), axis=1)}

    @tf.function(input_signature=signature, autograph=False)
    def transform_features(examples):
        return module.transform(tf.io.parse_example(examples, asked))

    signatures = {"serving_default": serving_default, "transform_features": transform_features}
    tf.saved_model.save(module, fn_args.serving_model_dir, signatures=signatures)
