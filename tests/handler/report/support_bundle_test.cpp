#include "handler/report/support_bundle.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/machine/recorded/capture.hpp"
#include "test_data.hpp"
#include "tests/capture_folder.hpp"
#include "tests/handler/unzipped.hpp"

namespace handler::support_bundle_test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr auto log_path = "/var/log/waagent.log";

class SupportBundle : public testing::Test {
protected:
    std::map<std::string, std::string> bundle(const BundleLimits& limits = {}) {
        return tests::unzipped(make_support_bundle(machine_, {}, limits).value());
    }

    machine::Machine machine_ =
        machine::recorded::load(tests::CaptureFolder(TEST_DATA "/captures/linux/healthy").path()).value();
};

TEST_F(SupportBundle, HasReportsCaptureLogsAndWhatIsMissing) {
    const auto files = bundle();
    EXPECT_TRUE(files.at("report.html").starts_with("<!doctype html>"));
    EXPECT_THAT(files.at("report.json"), HasSubstr("\"rootCause\":null"));
    EXPECT_TRUE(files.contains("capture/facts.json"));
    EXPECT_TRUE(files.contains("capture/files/etc/waagent.conf"));
    EXPECT_EQ(files.at("logs/var/log/waagent.log"), machine_.files().read(log_path).value());
    EXPECT_THAT(files.at("contents.txt"), HasSubstr("logs/var/log/waagent.log\n"));
    EXPECT_THAT(files.at("contents.txt"), HasSubstr("left out  commands/journal-"));
}

TEST_F(SupportBundle, HasNoSecrets) {
    const std::string secret = "c2VjcmV0c2VjcmV0";
    const auto log = machine_.files().read(log_path).value();
    ASSERT_TRUE(machine_.files().write(log_path, log + "GET https://a.blob.core.windows.net/c?sv=1&sig=" + secret +
                                                     "\n{\"protectedSettings\":\"" + secret + "\"}\n"));
    for (const auto& [name, content] : bundle()) EXPECT_THAT(content, Not(HasSubstr(secret))) << name;
}

TEST_F(SupportBundle, IsBoundedAndSaysWhatItCut) {
    std::string log;
    for (int line = 0; line < 1000; ++line) log += fmt::format("2026-11-20T22:01:07Z INFO line {:04}\n", line);
    ASSERT_TRUE(machine_.files().write(log_path, log));
    BundleLimits limits;
    limits.most_of_file = 100;
    const auto files = bundle(limits);
    const auto& kept = files.at("logs/var/log/waagent.log");
    EXPECT_LE(kept.size(), 100U);
    EXPECT_TRUE(kept.starts_with("2026-")) << "a line that is cut in two is left out: " << kept;
    EXPECT_TRUE(kept.ends_with("line 0999\n"));
    EXPECT_THAT(files.at("contents.txt"), HasSubstr(fmt::format("of {} bytes are the newest of", log.size())));
    limits.most_in_all = 1;
    EXPECT_FALSE(bundle(limits).contains("logs/var/log/waagent.log"));
    EXPECT_THAT(bundle(limits).at("contents.txt"),
                HasSubstr("left out  /var/log/waagent.log: the archive has its full"));
}

}  // namespace
}  // namespace handler::support_bundle_test
