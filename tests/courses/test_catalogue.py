"""The courses that a class finds: what each must have, whatever the release."""

import pytest

from courses.authoring import guards
from courses.authoring.run import ROOT
from courses.checking.course import Course, load_courses

SLUGS = ("privacy-lab", "query-the-lakehouse", "survival", "trust-the-data")
COURSES = load_courses(ROOT / "courses")
LANGUAGES = ("en", "fr")


def test_the_catalogue_has_these_courses():
    assert tuple(sorted(COURSES)) == SLUGS


@pytest.fixture(params=SLUGS)
def course(request: pytest.FixtureRequest) -> Course:
    return COURSES[request.param]


def test_a_course_has_at_least_four_lessons_and_twelve_exercises(course):
    assert len(course.lessons) >= 4
    assert len(course.exercises) >= 12


def test_no_solution_stands_in_what_trainees_get(course):
    assert [str(each) for lesson in course.lessons for each in guards.leaks(course, lesson)] == []


def test_every_exercise_helps_three_times_and_knows_two_mistakes_in_both_languages(course):
    for name, exercise in course.exercises.items():
        said = [*exercise.hints, *(wrong.say for wrong in exercise.wrong)]
        assert len(exercise.hints) == 3, name
        assert len(exercise.wrong) >= 2, name
        assert all(each[language].strip() for each in said for language in LANGUAGES), name
