"""What the documents of many formats say, with what is easily lost.

A heading, a power, hidden text, a note, a formula, code and a table in which a cell
covers all rows.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Content:
    """What a document says. Every value is a number or a word of its own."""

    heading: str = "Orvelle"
    before: str = "The mass is 7"
    base: int = 10
    power: int = 23
    after: str = "tons in all."
    hidden: str = "Secretly"
    note: str = "Measured twice."
    formula: tuple[str, int] = ("k", 4217)
    code: tuple[str, str] = ("for x in y:", "    run(x)")
    header: tuple[str, str, str] = ("Region", "Year", "Tonnes")
    region: str = "North"
    rows: list[tuple[int, int]] = field(
        default_factory=lambda: [(2020, 310), (2021, 290)]
    )

    @property
    def visible(self) -> list[str]:
        """What has to be in the text, in every format."""
        x, value = self.formula
        return [
            self.heading,
            f"{self.before} {self.base}^{self.power} {self.after}",
            self.note,
            f"{x} = {value}",
            "\n".join(self.code),
            "| " + " | ".join(self.header) + " |",
            *(f"| {self.region} | {year} | {n} |" for year, n in self.rows),
        ]
