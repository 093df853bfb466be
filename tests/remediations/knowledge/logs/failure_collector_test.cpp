#include "remediations/knowledge/logs/failure_collector.hpp"

#include <gtest/gtest.h>

namespace remediations::failure_collector_test {
namespace {

using namespace std::chrono_literals;

TEST(FailureShape, MasksWhatDiffersFromOneOccurrenceToTheNext) {
    const std::pair<const char*, const char*> same[] = {
        {"pid 4711 at 2026-11-30T09:04:33.6Z", "pid 12 at 2026-12-01T10:14:03.9Z"},
        {"container 76884ff0-bf64-4b06-acad-0ac251b699bd gone", "container 0c3f2a11-0064-4b06-acad-1ac251b699bd gone"},
        {"agent WALinuxAgent-2.7.3.0 failed", "agent WALinuxAgent-2.15.0.1 failed"},
        {"GET https://a.blob.example/x?sig=abc&se=2026 lost", "GET https://a.blob.example/x?sig=Zz%3D&se=2027 lost"},
        {"waited  3   seconds\nagain", "waited 45 seconds again"},
    };
    for (const auto& [one, other] : same) EXPECT_EQ(shape_of(one), shape_of(other));
}

TEST(FailureShape, KeepsWhatTellsOneReasonFromAnother) {
    const std::pair<const char*, const char*> different[] = {
        {"[Errno 28] text", "[Errno 30] text"},
        {"return code: 126", "return code: 127"},
        {"[404: x]", "[409: x]"},
        {"COMException (0x80042306)", "COMException (0x80042319)"},
        {"Failed to FIFREEZE: /data", "Failed to FIFREEZE: /home"},
        {"KeyError: 'a'", "KeyError: 'b'"},
        {"Status Code 500", "Status Code 503"},
    };
    for (const auto& [one, other] : different) EXPECT_NE(shape_of(one), shape_of(other));
}

TEST(FailureShape, IsBounded) {
    std::string words;
    for (int i = 0; i < 10000; ++i) words += "word ";
    EXPECT_LT(shape_of(words).size(), 1000U);
    EXPECT_LT(shape_of(std::string(1 << 20, 'x')).size(), std::size_t{1} << 21);
}

TEST(FailureCollector, CountsAShapeAndDropsTheOldest) {
    FailureCollector collector(2);
    const auto start = std::chrono::system_clock::time_point(1000h);
    collector.add("a", {start, 1});
    collector.add("b", {start + 1h, 2});
    collector.add("a", {start + 2h, 3});
    collector.add("c", {std::nullopt, 4});
    EXPECT_EQ(collector.dropped(), 1U);
    EXPECT_FALSE(collector.find("b"));
    ASSERT_TRUE(collector.find("a"));
    const auto& failure = collector.find("a")->failure;
    EXPECT_EQ(failure.count, 2U);
    EXPECT_EQ(failure.first, start);
    EXPECT_EQ(failure.newest, start + 2h);
    EXPECT_EQ(failure.position, 3U);
}

TEST(FailureCollector, KeepsTheNewestOccurrencesAndThinsTheOlder) {
    FailureCollector collector(1);
    for (std::uint64_t i = 1; i <= 100'000; ++i) collector.add("a", {std::nullopt, i});
    const auto& kept = *collector.find("a");
    EXPECT_EQ(kept.failure.count, 100'000U);
    EXPECT_LE(kept.occurrences.size(), FailureCollector::most_occurrences);
    std::uint64_t counted = 0;
    for (const auto& one : kept.occurrences) counted += one.count;
    EXPECT_EQ(counted, 100'000U) << "thinning must not lose any";
    const auto size = kept.occurrences.size();
    for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(kept.occurrences[size - 1 - i].position, 100'000 - i);
}

}  // namespace
}  // namespace remediations::failure_collector_test
