#include "handler/report/report_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/temporary_folder.hpp"

namespace handler::report_file_test {
namespace {

using namespace std::chrono_literals;

std::string content(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

constexpr std::chrono::system_clock::time_point now{std::chrono::seconds(1795225747)};

TEST(ReportFile, IsNamedByItsTime) {
    const tests::TemporaryFolder folder;
    const auto file = write_report_file(folder.path() / "log", "<p>", now);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->filename(), "backup-remediation-report-20261121T014907Z.html");
    EXPECT_EQ(content(*file), "<p>");
    EXPECT_TRUE(write_report_file(folder.path() / "log", "<b>", now));
    EXPECT_EQ(content(*file), "<b>");
}

TEST(ReportFile, OnlyTheNewestStay) {
    const tests::TemporaryFolder folder;
    std::ofstream(folder.path() / "backup-remediation-run.log") << "log";
    for (int hour = 0; hour < 15; ++hour) ASSERT_TRUE(write_report_file(folder.path(), "", now + hour * 1h));
    auto files = report_files_in(folder.path());
    ASSERT_EQ(files.size(), most_report_files);
    EXPECT_EQ(files.front().filename(), "backup-remediation-report-20261121T064907Z.html");
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "backup-remediation-run.log"));

    const auto clock_set_back = write_report_file(folder.path(), "", now - 48h);
    ASSERT_TRUE(clock_set_back);
    EXPECT_TRUE(std::filesystem::exists(*clock_set_back));
    EXPECT_EQ(report_files_in(folder.path()).size(), most_report_files);
}

TEST(ReportFile, SaysWhyItCouldNotBeWritten) {
    const tests::TemporaryFolder folder;
    std::ofstream(folder.path() / "log") << "a file";
    EXPECT_FALSE(write_report_file(folder.path() / "log", "", now));
}

}  // namespace
}  // namespace handler::report_file_test
