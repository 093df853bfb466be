#include "remediations/formats/zip_writer.hpp"

#include <gtest/gtest.h>

#include "tests/handler/unzipped.hpp"

namespace remediations::zip_writer_test {
namespace {

constexpr std::chrono::system_clock::time_point now{std::chrono::seconds(1795225747)};

TEST(ZipWriter, WritesWhatAReaderReads) {
    std::string noise;
    for (unsigned number = 1; noise.size() < 300000; number = number * 1664525 + 1013904223) {
        noise += static_cast<char>(number >> 24U);
    }
    ZipWriter zip(now);
    zip.add("empty", "");
    zip.add("logs/text.log", std::string(1 << 20, 'x'));
    zip.add("noise", noise);
    const auto archive = std::move(zip).archive();
    EXPECT_LT(archive.size(), noise.size() + 5000);
    const auto files = tests::unzipped(archive);
    EXPECT_EQ(files.size(), 3U);
    EXPECT_EQ(files.at("empty"), "");
    EXPECT_EQ(files.at("logs/text.log"), std::string(1 << 20, 'x'));
    EXPECT_EQ(files.at("noise"), noise);
}

TEST(ZipWriter, AnEmptyArchiveIsOne) {
    EXPECT_TRUE(tests::unzipped(ZipWriter(now).archive()).empty());
}

}  // namespace
}  // namespace remediations::zip_writer_test
