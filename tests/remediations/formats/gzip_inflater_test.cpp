#include "remediations/formats/gzip_inflater.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/beast/zlib/deflate_stream.hpp>
#include <boost/crc.hpp>

#include "remediations/knowledge/logs/log_evidence.hpp"
#include "tests/remediations/knowledge/logs/log_machine.hpp"

namespace remediations::gzip_inflater_test {
namespace {

using machine::ErrorKind;
using ::testing::EndsWith;
using ::testing::HasSubstr;

/// A gzip member; `optional_parts` adds a name, a comment, an extra field and a checksum to the header.
std::string gzip(const std::string& text, bool optional_parts = false) {
    namespace zlib = boost::beast::zlib;
    zlib::deflate_stream stream;
    std::string deflated(stream.upper_bound(text.size()) + 64, '\0');
    zlib::z_params progress;
    progress.next_in = text.data();
    progress.avail_in = text.size();
    progress.next_out = deflated.data();
    progress.avail_out = deflated.size();
    boost::beast::error_code code;
    stream.write(progress, zlib::Flush::finish, code);
    deflated.resize(deflated.size() - progress.avail_out);
    std::string header("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
    if (optional_parts) {
        header[3] = 0x1E;
        header += std::string("\x03\0abcname\0comment\0\x12\x34", 20);
    }
    boost::crc_32_type checksum;
    checksum.process_bytes(text.data(), text.size());
    std::string trailer(8, '\x55');
    for (std::size_t index = 0; index < 4; ++index) {
        trailer[index] = static_cast<char>(checksum.checksum() >> (8 * index));
    }
    return header + deflated + trailer;
}

struct Outcome {
    std::string text;
    std::optional<machine::Error> error;
};

Outcome unpack(const std::string& packed, std::size_t piece = 7, std::uint64_t limit = 1 << 20) {
    Outcome outcome;
    GzipInflater inflater("x.gz", limit, [&](std::string_view text) { outcome.text += text; });
    machine::Result<void> result;
    for (std::size_t i = 0; i < packed.size() && result; i += piece) {
        result = inflater.feed(std::string_view(packed).substr(i, piece));
    }
    if (result) {
        result = inflater.finish();
    }
    if (!result) {
        outcome.error = result.error();
    }
    return outcome;
}

std::string sample() {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
    return text;
}

TEST(GzipInflater, UnpacksInPiecesOfAnySize) {
    const auto text = sample();
    for (const bool optional_parts : {false, true}) {
        const auto packed = gzip(text, optional_parts);
        for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, packed.size()}) {
            const auto outcome = unpack(packed, piece);
            EXPECT_FALSE(outcome.error) << outcome.error->message;
            EXPECT_TRUE(outcome.text == text) << piece;
        }
    }
    EXPECT_FALSE(unpack(gzip("")).error) << "nothing, packed";
}

TEST(GzipInflater, MembersAndPadding) {
    const auto outcome = unpack(gzip("one\n") + gzip("two\n", true) + std::string(100, '\0'), 3);
    EXPECT_FALSE(outcome.error);
    EXPECT_EQ(outcome.text, "one\ntwo\n");
    EXPECT_TRUE(unpack(gzip("one\n") + "rubbish").error);
}

TEST(GzipInflater, AWrongChecksumIsAnError) {
    auto packed = gzip("one\n");
    packed[packed.size() - 8] ^= 1;
    const auto outcome = unpack(packed);
    ASSERT_TRUE(outcome.error);
    EXPECT_THAT(outcome.error->message, HasSubstr("checksum"));
}

TEST(GzipInflater, CutAnywhereIsAnError) {
    const auto text = sample().substr(0, 3000);
    const auto packed = gzip(text, true);
    for (std::size_t length = 0; length < packed.size(); ++length) {
        const auto outcome = unpack(packed.substr(0, length));
        ASSERT_TRUE(outcome.error) << length;
        EXPECT_EQ(outcome.error->kind, ErrorKind::invalid);
        EXPECT_THAT(outcome.error->message, HasSubstr("x.gz"));
        EXPECT_TRUE(text.starts_with(outcome.text));
    }
}

TEST(GzipInflater, DamagedAnywhereEnds) {
    const auto packed = gzip(sample().substr(0, 3000), true);
    for (std::size_t i = 0; i < packed.size(); ++i) {
        for (const char flip : {'\x01', '\x80', '\xFF'}) {
            auto damaged = packed;
            damaged[i] = static_cast<char>(damaged[i] ^ flip);
            const auto outcome = unpack(damaged);
            EXPECT_LE(outcome.text.size(), std::size_t{1} << 20);
            EXPECT_TRUE(i >= 3 || outcome.error) << i;
        }
    }
}

TEST(GzipInflater, BombIsLimited) {
    const auto packed = gzip(std::string(10 << 20, 'a'));
    ASSERT_LT(packed.size(), 20'000U);
    const auto outcome = unpack(packed);
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->kind, ErrorKind::too_large);
    EXPECT_LE(outcome.text.size(), std::size_t{1} << 20);
}

TEST(GzipInflater, RotatedLogsAreReadInTheirAge) {
    const machine::Path log = "/var/log/waagent.log";
    const LogPattern pattern{Log::agent, "needle"};
    log_machine::LogMachine vm;
    vm.files->add(log + ".3.gz", gzip("needle three\n"), std::chrono::hours(72));
    vm.files->add(log + ".2.gz", gzip("needle two\n"), std::chrono::hours(48));
    vm.files->add(log + ".1", "needle one\n", std::chrono::hours(24));
    vm.files->add(log, "nothing\n");
    const LogEvidence evidence(vm.machine, {pattern});
    EXPECT_EQ(evidence.find(Log::agent, "needle")->count, 3U);
    EXPECT_EQ(evidence.find(Log::agent, "needle")->newest.text, "needle one");
    vm.files->files.erase(log + ".1");
    EXPECT_EQ(LogEvidence(vm.machine, {pattern}).find(Log::agent, "needle")->newest.evidence("").where,
              "/var/log/waagent.log.2.gz:1");
}

TEST(GzipInflater, CutLogIsAnHonestSource) {
    const machine::Path log = "/var/log/waagent.log.2.gz";
    log_machine::LogMachine vm;
    const auto packed = gzip("needle\n" + sample());
    vm.files->add(log, packed.substr(0, packed.size() - 100));
    const LogEvidence evidence(vm.machine, {{Log::agent, "needle"}});
    EXPECT_TRUE(evidence.find(Log::agent, "needle")) << "what came before the damage";
    ASSERT_EQ(evidence.sources().size(), 1U);
    ASSERT_TRUE(evidence.sources()[0].error);
    EXPECT_EQ(evidence.sources()[0].error->kind, ErrorKind::invalid);
    EXPECT_THAT(evidence.sources()[0].error->message, EndsWith("within the compressed data"));
}

}  // namespace
}  // namespace remediations::gzip_inflater_test
