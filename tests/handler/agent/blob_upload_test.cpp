#include "handler/agent/blob_upload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/temporary_folder.hpp"

namespace handler::blob_upload_test {
namespace {

using machine::Error;
using machine::ErrorKind;
using machine::HttpResponse;
using machine::Result;
using machine::local::HttpsRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr auto sas = "https://account.blob.core.windows.net/container/blob.zip?sv=2022-11-02&sr=b&sig=s3cret%3D";

TEST(BlobTarget, TakesAUrlApart) {
    const auto blob = BlobTarget::parse(sas, "x").value();
    EXPECT_EQ(blob.host, "account.blob.core.windows.net");
    EXPECT_EQ(blob.port, 443);
    EXPECT_EQ(blob.path, "/container/blob.zip");
    EXPECT_EQ(blob.query, "sv=2022-11-02&sr=b&sig=s3cret%3D");
    EXPECT_EQ(blob.shown(), "https://account.blob.core.windows.net/container/blob.zip");
    const auto container = BlobTarget::parse("https://127.0.0.1:8443/container/?sr=c&sig=x", "vm1.zip").value();
    EXPECT_EQ(container.path, "/container/vm1.zip");
    EXPECT_EQ(container.port, 8443);
}

TEST(BlobTarget, RefusesWhatIsNoneAndQuotesNothing) {
    for (const std::string url :
         {"", "http://a/c/b?sig=s3cret", "https://a?sig=s3cret", "https://a/?sig=s3cret", "https://a/c/b?sv=s3cret",
          "https://a/c/b?sig=", "https://a/c b?sig=s3cret", "https://a/c/b?sig=s3cret\r\nX: y",
          "https://u@a/c?sig=s3cret", "https://a:0/c?sig=s3cret", "https://a:x/c?sig=s3cret", "https:///c?sig=s3cret",
          "https://a/c?sig=s3cret#x"}) {
        const auto target = BlobTarget::parse(url, "x");
        ASSERT_FALSE(target) << url;
        EXPECT_EQ(target.error().kind, ErrorKind::invalid);
        EXPECT_THAT(target.error().message, Not(HasSubstr("s3cret")));
    }
}

/// A blob service that fails as it is told.
class BlobUpload : public testing::Test {
protected:
    Result<void> upload(const std::string& content) {
        UploadOptions options;
        options.block_size = 4;
        options.first_pause = std::chrono::milliseconds(1);
        options.https = [this](const HttpsRequest& request) { return answer(request); };
        options.progress = [this](std::size_t sent, std::size_t) { progress_.push_back(sent); };
        return upload_blob(BlobTarget::parse(sas, "x").value(), content, folder_.path() / "upload.json", options);
    }

    Result<HttpResponse> answer(const HttpsRequest& request) {
        EXPECT_EQ(request.method, "PUT");
        const std::string prefix = "/container/blob.zip?sv=2022-11-02&sr=b&sig=s3cret%3D&comp=";
        EXPECT_TRUE(request.target.starts_with(prefix));
        asked_.push_back(request.target.substr(prefix.size()));
        const auto number = asked_.size();
        if (failures_.contains(number)) return failures_.at(number);
        const std::string block = "block&blockid=";
        if (asked_.back().starts_with(block)) {
            blocks_[asked_.back().substr(block.size())] = request.body;
        } else {
            for (const auto& [id, content] : blocks_) {
                if (request.body.find("<Uncommitted>" + id + "</Uncommitted>") != std::string::npos) blob_ += content;
            }
        }
        return HttpResponse{201, ""};
    }

    tests::TemporaryFolder folder_;
    std::map<std::size_t, Result<HttpResponse>> failures_;  ///< by the number of the request, from 1
    std::vector<std::string> asked_;
    std::vector<std::size_t> progress_;
    std::map<std::string, std::string> blocks_;
    std::string blob_;
};

const Error broken_off = machine::Error::failed("cannot send to account.blob.core.windows.net:443: reset", 104);

TEST_F(BlobUpload, SendsBlocksAndThenTheirList) {
    ASSERT_TRUE(upload("0123456789"));
    EXPECT_THAT(asked_,
                ElementsAre("block&blockid=00000000", "block&blockid=00000001", "block&blockid=00000002", "blocklist"));
    EXPECT_EQ(blob_, "0123456789");
    EXPECT_THAT(progress_, ElementsAre(0, 4, 8, 10));
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "upload.json"));
}

TEST_F(BlobUpload, TriesAgainWhatMayPass) {
    failures_ = {{2, broken_off}, {3, HttpResponse{503, ""}}, {5, HttpResponse{429, ""}}};
    ASSERT_TRUE(upload("0123456789"));
    EXPECT_EQ(blob_, "0123456789");
    EXPECT_EQ(asked_.size(), 7U);
}

TEST_F(BlobUpload, GoesOnWhereItEnded) {
    for (std::size_t request = 3; request <= 6; ++request) failures_.emplace(request, broken_off);
    EXPECT_EQ(upload("0123456789").error().message, broken_off.message);
    failures_.clear();
    asked_.clear();
    ASSERT_TRUE(upload("0123456789"));
    EXPECT_THAT(asked_, ElementsAre("block&blockid=00000002", "blocklist"));
    EXPECT_EQ(blob_, "0123456789");
}

TEST_F(BlobUpload, BeginsAnewWithOtherContentOrWhereTheBlocksAreGone) {
    for (std::size_t request = 3; request <= 6; ++request) failures_.emplace(request, broken_off);
    ASSERT_FALSE(upload("0123456789"));
    failures_ = {{8, HttpResponse{400, ""}}};
    ASSERT_TRUE(upload("0123456789"));
    EXPECT_EQ(asked_.size(), 6U + 2U + 4U);
    failures_ = {{15, broken_off}, {16, broken_off}, {17, broken_off}, {18, broken_off}};
    ASSERT_FALSE(upload("0123456789"));
    asked_.clear();
    failures_.clear();
    ASSERT_TRUE(upload("9876543210"));
    EXPECT_EQ(asked_.size(), 4U);
}

TEST_F(BlobUpload, SaysWhatARefusalMeansWithoutTheSignature) {
    failures_ = {{1, HttpResponse{403, "<Error>sig=s3cret%3D</Error>"}}};
    const auto sent = upload("0123456789");
    ASSERT_FALSE(sent);
    EXPECT_EQ(
        sent.error().message,
        "https://account.blob.core.windows.net/container/blob.zip answered 403: the signature has expired, or does "
        "not allow to create and write");
    EXPECT_EQ(asked_.size(), 1U);
}

}  // namespace
}  // namespace handler::blob_upload_test
