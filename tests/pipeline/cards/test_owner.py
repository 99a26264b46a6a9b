import pytest

from pipeline.cards import owner
from pipeline.errors import ConfigurationError


@pytest.fixture
def read(tmp_path):
    def write_and_read(text):
        (tmp_path / "card.md").write_text(text, encoding="utf-8")
        return owner.read(tmp_path)

    return write_and_read


def test_a_folder_without_the_file_states_nothing(tmp_path):
    assert owner.read(tmp_path) == owner.Owner()


def test_keys_stand_in_front_of_the_text(read):
    words = read("---\nlicense: mit\nusers:\n  - us\n---\nA text.\n\n---\nStill it.\n")

    assert words.license == "mit"
    assert words.users == ["us"]
    assert words.text == "A text.\n\n---\nStill it."


def test_a_link_that_leads_nowhere_is_refused(tmp_path):
    (tmp_path / "card.md").symlink_to("nowhere")

    with pytest.raises(ConfigurationError, match=r"card.md: cannot be read \(.*No such file"):
        owner.read(tmp_path)


def test_a_text_needs_no_keys(read):
    assert read("Only words.\n").text == "Only words."


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("licence: mit", "the key 'licence' is unknown, allowed are license, license_name,"),
        ("users: us", "users is 'us', allowed: input should be a valid list"),
        ("license: other", "license is 'other' and license_name is missing"),
        ("- mit", "its keys are ['mit'], allowed is `key: value`"),
        ("a: [", "its keys are not YAML: while parsing"),
    ],
)
def test_wrong_keys_are_refused(read, keys, problem):
    with pytest.raises(ConfigurationError, match=r"card\.md: ") as refusal:
        read(f"---\n{keys}\n---\n")

    assert problem in str(refusal.value)
