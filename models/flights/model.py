"""Train, tune and export the flights model.

It is the sum of two networks: one knows the month, the other the weekday. Together month and
weekday nearly name the day, and a model that saw both would remember that day's weather: better on
a random split, worse on days it has not seen. Adding up two networks lets it use both and remember
neither's crossing.
"""

import keras
import keras_tuner
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult
from tfx_bsl.public import tfxio

CALENDAR = ("month_id", "weekday_id")
SEED = 13
EPOCHS = 10  # points of the training curves
STEPS_PER_CALL = 50  # steps between two returns to Python


def run_fn(fn_args: FnArgs) -> None:
    """Train with `fn_args.hyperparameters` and export; TFX's Trainer calls this."""
    keras.utils.set_random_seed(SEED)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    # A Tuner nests them, best.json doesn't.
    values = fn_args.hyperparameters.get("values", fn_args.hyperparameters)
    model = _build(values, transform, fn_args)
    curves = keras.callbacks.TensorBoard(
        fn_args.model_run_dir, update_freq="epoch", write_graph=False
    )
    fit_arguments = _fit_arguments(fn_args, transform)
    model.fit(**fit_arguments(values["batch_size"]), callbacks=[curves])
    _export(model, transform, fn_args)


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """A seeded random search of `custom_config["space"]` for the best validation AUC.

    TFX's Tuner calls this.
    """
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    space = keras_tuner.HyperParameters()
    for name, choices in fn_args.custom_config["space"].items():
        space.Choice(name, choices)
    fit_arguments = _fit_arguments(fn_args, transform)

    class Trial(keras_tuner.HyperModel):
        def build(self, hp):
            keras.utils.set_random_seed(SEED)
            return _build(hp.values, transform, fn_args)

        def fit(self, hp, model, **kwargs):  # overridden because the batch size is tuned too
            batch_size = hp.get("batch_size")
            return model.fit(**fit_arguments(batch_size), **kwargs)

    tuner = keras_tuner.RandomSearch(
        Trial(),
        objective=keras_tuner.Objective("val_auc", "max"),
        max_trials=fn_args.custom_config["trials"],
        hyperparameters=space,
        seed=SEED,
        directory=fn_args.working_dir,
    )
    return TunerFnResult(tuner=tuner, fit_kwargs={})


def _build(values, transform, fn_args):
    """The sum of one network a calendar feature, as a probability.

    Each network is over that feature and all that is no calendar's.
    """
    label = fn_args.custom_config["label"]
    features = [f for f in transform.transformed_metadata.schema.feature if f.name != label]
    inputs, number_inputs, sizes = {}, [], {}
    for feature in features:
        name = feature.name
        if feature.HasField("int_domain"):
            inputs[name] = keras.Input((), name=name, dtype="int64")
            sizes[name] = feature.int_domain.max + 1
        else:
            inputs[name] = keras.Input((), name=name, dtype="float32")
            number_inputs.append(inputs[name])
    numbers = keras.ops.stack(number_inputs, axis=1)
    logits = []
    for calendar in CALENDAR:
        other_calendars = [name for name in CALENDAR if name != calendar]
        network_sizes = {k: size for k, size in sizes.items() if k not in other_calendars}
        logit = _network(inputs, network_sizes, numbers, values)
        logits.append(logit)
    sigmoid = keras.layers.Activation("sigmoid")
    total = keras.layers.Add()(logits)
    model = keras.Model(inputs, sigmoid(total))
    rate = keras.optimizers.schedules.CosineDecay(values["learning_rate"], fn_args.train_steps)
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss="binary_crossentropy",
        metrics=[keras.metrics.AUC(name="auc")],
        steps_per_execution=STEPS_PER_CALL,
    )
    return model


def _network(inputs, sizes, numbers, values):
    """A logit from embeddings of the categories in `sizes` and from numbers."""
    # One table holds every feature's categories, each after the last's: one lookup instead of one
    # a feature.
    starts = np.cumsum([0, *sizes.values()])
    size = int(starts[-1])
    category_inputs = [inputs[name] for name in sizes]
    rows = keras.ops.stack(category_inputs, axis=1) + starts[:-1]
    flatten = keras.layers.Flatten()
    embedding = keras.layers.Embedding(size, values["embedding_width"])
    embedded = flatten(embedding(rows))
    hidden = keras.layers.Concatenate()([embedded, numbers])
    hidden_units = values["hidden_units"]
    for units in (hidden_units, hidden_units // 2):
        dropout = keras.layers.Dropout(values["dropout"])
        dense = keras.layers.Dense(units, activation="relu")
        hidden = dropout(dense(hidden))
    return keras.layers.Dense(1)(hidden)


def _fit_arguments(fn_args, transform):
    """A function from batch size to `fit`'s arguments.

    The rows are read and parsed once and then kept in memory.
    """
    options = tfxio.TensorFlowDatasetOptions(
        batch_size=10_000, num_epochs=1, shuffle=False, label_key=fn_args.custom_config["label"]
    )

    schema = transform.transformed_metadata.schema

    def joined(*columns):
        return tf.concat(columns, axis=0)

    def read(files):
        parts = fn_args.data_accessor.tf_dataset_factory(files, options, schema)
        return tf.nest.map_structure(joined, *parts)

    train = read(fn_args.train_files)
    held_out = read(fn_args.eval_files)
    epochs = min(EPOCHS, fn_args.train_steps)

    def arguments(batch_size):
        batches = _batches(train, batch_size, shuffled=True)
        steps = fn_args.train_steps // epochs
        _, labels = held_out
        rows = min(fn_args.eval_steps * batch_size, len(labels))
        validation_batches = _batches(held_out, rows, shuffled=False)
        # shuffle=False: it is done already, and Keras warns otherwise.
        return {
            "x": batches.take(steps),
            "epochs": epochs,
            "validation_data": validation_batches.take(1),  # as one: it is asked at each epoch
            "shuffle": False,
            "verbose": 0,
        }

    return arguments


def _batches(rows, batch_size, shuffled):
    """Batches of row numbers made into batches of rows.

    That is far cheaper than shuffling and batching the rows themselves.
    """
    _, labels = rows
    count = len(labels)
    numbers = tf.data.Dataset.range(count)
    if shuffled:
        numbers = numbers.shuffle(count, seed=SEED).repeat()

    def pick(batch):
        return tf.nest.map_structure(lambda column: tf.gather(column, batch), rows)

    batches = numbers.batch(batch_size).map(pick)
    return batches.prefetch(tf.data.AUTOTUNE)


def _export(model, transform, fn_args):
    """A SavedModel that takes serialized tf.Examples of raw columns.

    Its signatures are the contract with Evaluator and serving.
    """
    raw_spec = transform.raw_feature_spec()
    never_served = fn_args.custom_config["never_served"]
    served_spec = {name: spec for name, spec in raw_spec.items() if name not in never_served}
    module = tf.Module()
    module.transform = transform.transform_features_layer()
    # The variables rather than the Keras model: it would save each twice, and TF1 loaders
    # (BulkInferrer's) restore the wrong one.
    module.weights = [variable.value for variable in model.variables]
    signature = [tf.TensorSpec([None], tf.string, name="examples")]

    # autograph=False: no tensor decides the flow here, and turning all of Transform's own functions
    # into graph code takes a second.
    @tf.function(input_signature=signature, autograph=False)
    def serving_default(examples):
        columns = tf.io.parse_example(examples, served_spec)
        features = module.transform(columns)
        score = tf.squeeze(model(features), axis=1)
        return {"score": score}

    @tf.function(input_signature=signature, autograph=False)
    def transform_features(examples):
        columns = tf.io.parse_example(examples, raw_spec)
        return module.transform(columns)

    signatures = {"serving_default": serving_default, "transform_features": transform_features}
    tf.saved_model.save(module, fn_args.serving_model_dir, signatures=signatures)
