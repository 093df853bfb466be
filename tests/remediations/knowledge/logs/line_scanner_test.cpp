#include "remediations/knowledge/logs/line_scanner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace remediations::line_scanner_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Patterns = std::vector<std::string>;

/// "<line>:<patterns>:<text>" of each line in which something was found.
std::vector<std::string> found_in(const std::vector<std::string>& pieces, const Patterns& patterns) {
    const PatternAutomaton automaton(patterns);
    std::vector<std::string> result;
    LineScanner scanner(automaton, {}, [&](const ScannedLine& line) {
        std::string names;
        for (const auto& found : line.found) {
            EXPECT_TRUE(line.raw.substr(0, found.end).ends_with(patterns[found.pattern]));
            names += (names.empty() ? "" : ",") + patterns[found.pattern];
        }
        result.push_back(std::to_string(line.number) + ":" + names + ":" + std::string(line.raw));
        return false;
    });
    for (const auto& piece : pieces) {
        scanner.feed(piece);
    }
    scanner.finish();
    return result;
}

TEST(PatternAutomaton, FindsWhatOverlapsAndNests) {
    const Patterns patterns{"he", "she", "his", "hers", "", "he"};
    const PatternAutomaton automaton(patterns);
    std::vector<PatternAutomaton::Hit> hits;
    automaton.scan(PatternAutomaton::start, "ushers", hits);
    ASSERT_EQ(hits.size(), 2U);
    EXPECT_EQ(hits[0].end, 4U);
    EXPECT_THAT(automaton.patterns_of(hits[0].state), UnorderedElementsAre(0U, 1U, 5U));
    EXPECT_EQ(hits[1].end, 6U);
    EXPECT_THAT(automaton.patterns_of(hits[1].state), ElementsAre(3U));
    EXPECT_THAT(automaton.patterns_of(PatternAutomaton::start), IsEmpty());
}

TEST(PatternAutomaton, NoPatternsAndEveryByte) {
    std::vector<PatternAutomaton::Hit> hits;
    PatternAutomaton({}).scan(PatternAutomaton::start, "anything", hits);
    EXPECT_TRUE(hits.empty());
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    const Patterns patterns{all};
    PatternAutomaton(patterns).scan(PatternAutomaton::start, all + all, hits);
    EXPECT_EQ(hits.size(), 2U);
}

TEST(LineScanner, SplitsAnywhereFindTheSame) {
    using namespace std::string_literals;
    const Patterns patterns{"needle", "need", "\xC3\xA4", "\0x"s};
    const auto text = "first needle\r\n\nneedneedle\n\xC3\xA4 and \0x\n\r\nneedl\ne\n\0\0\xFF\nlast need"s;
    const auto whole = found_in({text}, patterns);
    EXPECT_THAT(whole, ElementsAre("1:need,needle:first needle", "3:need,needle:needneedle",
                                   "4:\xC3\xA4,\0x:\xC3\xA4 and \0x"s, "6:need:needl", "9:need:last need"));
    std::vector<std::string> bytes;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        EXPECT_EQ(found_in({text.substr(0, i), text.substr(i)}, patterns), whole) << i;
        if (i < text.size()) bytes.push_back(text.substr(i, 1));
    }
    EXPECT_EQ(found_in(bytes, patterns), whole);
}

TEST(LineScanner, EndlessLineLosesNothingAndKeepsItsNumber) {
    const Patterns patterns{"needle", "other"};
    constexpr std::size_t piece = 10'000;
    // A needle across the place where a piece of the line is dropped, wherever that is.
    for (std::size_t offset = 0; offset < 12; ++offset) {
        std::string text = "first\n" + std::string(LineScanner::longest_line - offset, 'x') + "needle" +
                           std::string(3 * LineScanner::longest_line, 'y') + "needle other\nneedle\n";
        std::vector<std::string> pieces;
        for (std::size_t i = 0; i < text.size(); i += piece) pieces.push_back(text.substr(i, piece));
        for (const auto& way : {pieces, std::vector{text}}) {
            std::vector<std::string> numbers;
            for (const auto& line : found_in(way, patterns)) numbers.push_back(line.substr(0, line.rfind(':')));
            if (way.size() == 1) {
                EXPECT_THAT(numbers, ElementsAre("2:needle,other", "3:needle"));
            } else {
                EXPECT_THAT(numbers, ElementsAre("2:needle", "2:other", "3:needle")) << offset;
            }
        }
    }
}

TEST(LineScanner, EndlessLineHasTheTimeOfItsFront) {
    const Patterns patterns{"needle"};
    const PatternAutomaton automaton(patterns);
    std::vector<bool> has_time;
    LineScanner scanner(automaton, {}, [&](const ScannedLine& line) {
        has_time.push_back(line.parts.time.has_value());
        return false;
    });
    scanner.feed("needle\n2026-11-20T01:00:00.000000Z ");
    for (int i = 0; i < 50; ++i) scanner.feed(std::string(10'000, 'x'));
    scanner.feed("needle");
    scanner.finish();
    EXPECT_THAT(has_time, ElementsAre(false, true));
    EXPECT_TRUE(scanner.newest_time());
}

TEST(LineScanner, GivesTheLinesBehindOneThatAreWanted) {
    const Patterns patterns{"needle", "pin"};
    const PatternAutomaton automaton(patterns);
    const std::string text = "a\n1 needle\n\n2 pin\n3\n4\n5 pin\n6\n";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        std::vector<std::string> given;
        LineScanner scanner(automaton, {}, [&](const ScannedLine& line) {
            given.push_back(std::to_string(line.number) + ":" + std::string(line.raw) +
                            (line.found.empty() ? "" : "!"));
            return line.raw != "3" && !line.raw.starts_with("5");
        });
        scanner.feed(text.substr(0, cut));
        scanner.feed(text.substr(cut));
        scanner.finish();
        EXPECT_THAT(given, ElementsAre("2:1 needle!", "3:", "4:2 pin!", "5:3", "7:5 pin!")) << cut;
    }
}

TEST(LineScanner, GarbageIsHarmless) {
    std::string garbage;
    std::uint32_t random = 1;
    for (int i = 0; i < 300'000; ++i) {
        random = random * 1664525 + 1013904223;
        garbage += static_cast<char>(random >> 24);
    }
    std::vector<std::string> pieces;
    for (std::size_t i = 0; i < garbage.size(); i += 4099) pieces.push_back(garbage.substr(i, 4099));
    pieces.push_back("\nneedle\n");
    const auto found = found_in(pieces, {"needle"});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_TRUE(found[0].ends_with(":needle:needle"));
}

}  // namespace
}  // namespace remediations::line_scanner_test
