# ruff: noqa: E501 (one message per line)
# fmt: off
"""The users and messages of the demo. Only the `demo` command reads them.

A line is (minutes since the previous line, username, text).
"""

from __future__ import annotations

from dataclasses import dataclass

Line = tuple[int, str, str]


@dataclass(frozen=True)
class Person:
    username: str
    display_name: str
    about: str


@dataclass(frozen=True)
class Chat:
    """A conversation. Its first member starts it; with a title it is a group."""

    members: tuple[str, ...]
    lines: tuple[Line, ...]
    title: str = ""
    unread: int = 0  # number of newest lines that the first member has not read


PEOPLE = (
    Person("alice", "Alice Moreau", "Mostly in the garden."),
    Person("bob", "Bob Okafor", "Bread, bikes, bad puns"),
    Person("carol", "Carol Lindqvist", "Call me after six"),
    Person("dave", "Dave Petrov", "At the workshop"),
    Person("erin", "Erin Sato", "旅行中 ✈️"),
    Person("farid", "Farid Haddad", "السلام عليكم"),
    Person("grace", "Grace Nakamura", "Reading. Probably."),
    Person("henry", "Henry Adeyemi", ""),
)

GARDEN = (
    (0, "alice", "Good morning! Who has time for the garden on Saturday?"),
    (3, "carol", "Me, from ten. I can bring the long ladder."),
    (1, "bob", "I am in. Shall I bring bread?"),
    (1, "grace", "Always bring bread, Bob."),
    (12, "farid", "Saturday works. I still have the tomato seedlings on my balcony, 24 of them."),
    (2, "alice", "24! You said you would plant “a few” 😄"),
    (1, "farid", "They were a few. Then they were more."),
    (35, "carol", "Could somebody check whether the water is on again? It was off last week."),
    (8, "bob", "Went by just now: it is on, but the tap drips. I will bring a washer."),
    (1, "carol", "You are a hero."),
    (240, "grace", "Found this on planting, it is short and good:\nhttps://en.wikipedia.org/wiki/Companion_planting"),
    (6, "alice", "Lovely. So beans beside the corn, and nothing beside the fennel."),
    (2, "grace", "Poor fennel."),
    (1400, "alice", "Plan for tomorrow:\n\n1. Beds 3 and 4: weeds out, compost in\n2. Tomatoes along the south wall\n3. Lunch at one\n4. Fix the tap"),
    (4, "bob", "5. Second lunch"),
    (1, "farid", "👍"),
    (18, "carol", "Ladder is in the car. See you all at ten."),
    (900, "farid", "What a day. My back says hello."),
    (3, "grace", "24 tomatoes are in! And so is one fennel, far away from everybody."),
    (2, "bob", "The tap does not drip any more. I did not even flood the neighbours."),
    (5, "alice", "Thank you all, that was wonderful. Same again in two weeks?"),
)

HOLIDAY = (
    (0, "erin", "I have looked at trains. The night train leaves at 19:40 and is there for breakfast."),
    (5, "alice", "Breakfast in the mountains, yes please."),
    (2, "henry", "Does it have beds or just seats?"),
    (1, "erin", "Beds. Six in a cabin or, for a bit more, four."),
    (1, "henry", "Four. I snore, it is only fair."),
    (60, "erin", "Booked! Car 264, beds 31 to 34. Tickets are in your mail."),
    (3, "alice", "You are the best. What do I owe you?"),
    (1, "erin", "58 each. No hurry."),
    (700, "henry", "Weather says sun until Wednesday, then we will see."),
    (15, "erin", "Then we hike first and read later."),
)

CHATS = (
    Chat(
        members=("alice", "henry"),
        lines=(
            (0, "henry", "Do you still have my drill?"),
            (30, "alice", "I do! Sorry. I will bring it on Friday."),
            (2, "henry", "No hurry, the shelf has been waiting since March."),
        ),
    ),
    Chat(
        members=("alice", "farid"),
        lines=(
            (0, "farid", "مرحبا! هل وصلت الشتلات؟"),
            (6, "alice", "They did, all of them fine. شكرا!"),
            (1, "farid", "😊"),
        ),
    ),
    Chat(members=("alice", "erin", "henry"), title="Night train", lines=HOLIDAY),
    Chat(
        members=("alice", "carol"),
        lines=(
            (0, "carol", "Is the meeting on Thursday at nine or at half past?"),
            (9, "alice", "Half past. I moved it, the invitation should say so."),
            (1, "carol", "It does. I should read before I ask."),
            (1, "alice", "You should sleep before you read 😉"),
        ),
    ),
    Chat(
        members=("alice", "bob", "carol", "farid", "grace"), title="Garden", lines=GARDEN, unread=2
    ),
    Chat(
        members=("alice", "grace"),
        lines=(
            (0, "grace", "Finished the book. No spoilers, but: page 212."),
            (44, "alice", "I am on 190. Do not say a word."),
            (1, "grace", "🤐"),
            (1500, "alice", "Page 212. PAGE 212!"),
            (1, "grace", "I KNOW"),
        ),
    ),
    Chat(
        members=("alice", "bob"),
        unread=3,
        lines=(
            (0, "bob", "The sourdough is alive. I have named it Clint Yeastwood."),
            (2, "alice", "Of course you have."),
            (1, "alice", "Can I have some of it?"),
            (1, "bob", "Of Clint? Anytime. Feed him every morning: 50 g flour, 50 g water, one kind word."),
            (300, "alice", "He has doubled in size. I am scared."),
            (4, "bob", "That is what he does. Bake him tonight: 240 °C, lid on for 30 minutes, off for 15."),
            (1200, "alice", "It worked!! There is BREAD and the whole house smells of it."),
            (2, "bob", "I told you"),
            (0, "bob", "Save me a slice"),
            (5, "bob", "Two slices"),
        ),
    ),
)
