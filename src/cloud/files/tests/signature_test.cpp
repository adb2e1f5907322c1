#include "cloud/files/signature.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/time_text.h"
#include "cloud/files/blob_name.h"

namespace selvage::cloud::files {
namespace {

using hub_api::FileAccess;
using hub_api::FilePass;

const UtcTime kNow = from_iso8601("2026-03-01T10:00:00Z").value();
constexpr std::string_view kKey = "the hub's own key";
constexpr SignedFile kFile{.container = "uploads", .blob = "d1/a b.txt", .generation_id = "7"};

// As a storage endpoint reads it out of the query.
FilePass pass_of(std::string query) {
    EXPECT_TRUE(query.starts_with("?"));
    FilePass pass;
    query.erase(0, 1);
    while (!query.empty()) {
        const auto field = query.substr(0, query.find('&'));
        query.erase(0, field.size() + 1);
        const auto name = field.substr(0, field.find('='));
        const auto value = percent_decode(field.substr(name.size() + 1)).value();
        if (name == "sv") pass.version = value;
        if (name == "sr") pass.resource = value;
        if (name == "sp") pass.permissions = value;
        if (name == "se") pass.expiry = value;
        if (name == "sig") pass.signature = value;
    }
    return pass;
}

std::string code(const Result<>& result) { return result ? "good" : std::string(name(result.error().code)); }

TEST(FileSignature, OpensItsFileUntilItsTimeIsOver) {
    const auto pass = pass_of(sign(kKey, kFile, kNow + std::chrono::hours(1)));
    EXPECT_EQ(pass.expiry, "2026-03-01T11:00:00Z");
    EXPECT_EQ(code(check(kKey, kFile, pass, FileAccess::write, kNow)), "good");
    EXPECT_EQ(code(check(kKey, kFile, pass, FileAccess::read, kNow)), "good");
    EXPECT_EQ(code(check(kKey, kFile, pass, FileAccess::write, kNow + std::chrono::minutes(59))), "good");
    EXPECT_EQ(code(check(kKey, kFile, pass, FileAccess::write, kNow + std::chrono::hours(1))), "unauthorized");
}

TEST(FileSignature, IsBadForAllElse) {
    const auto pass = pass_of(sign(kKey, kFile, kNow + std::chrono::hours(1)));
    const SignedFile others[] = {{.container = "uploads", .blob = "d1/a b.tx", .generation_id = "7"},
                                 {.container = "uploads", .blob = "d2/a b.txt", .generation_id = "7"},
                                 {.container = "others", .blob = "d1/a b.txt", .generation_id = "7"},
                                 {.container = "uploads", .blob = "d1/a b.txt", .generation_id = "8"}};
    for (const auto& other : others)
        EXPECT_EQ(code(check(kKey, other, pass, FileAccess::write, kNow)), "unauthorized");
    EXPECT_EQ(code(check("another key", kFile, pass, FileAccess::write, kNow)), "unauthorized");
    const auto changed = [&](std::string FilePass::* field, const std::string& value) {
        auto other = pass;
        other.*field = value;
        return code(check(kKey, kFile, other, FileAccess::write, kNow));
    };
    EXPECT_EQ(changed(&FilePass::expiry, "2027-03-01T11:00:00Z"), "unauthorized");
    EXPECT_EQ(changed(&FilePass::permissions, "rwd"), "unauthorized");
    EXPECT_EQ(changed(&FilePass::resource, "c"), "unauthorized");
    EXPECT_EQ(changed(&FilePass::version, "2020-02-10"), "unauthorized");
    EXPECT_EQ(changed(&FilePass::signature, ""), "unauthorized");
    EXPECT_EQ(code(check(kKey, kFile, {}, FileAccess::write, kNow)), "unauthorized");
}

TEST(BlobName, IsTheDevicesIdAndASoundName) {
    for (const char* good : {"x", "a/b/c.txt", "größe ü.log", "..a", "a..b/.c", "+%?#"})
        EXPECT_TRUE(make_blob_name("d1", good)) << good;
    const std::string bad[] = {"", "/x", "x/", "a//b", ".", "..", "a/../b", "a/./b", "a\nb", std::string("a\0b", 3), "a\x7f",
                               std::string(1022, 'x')};
    for (const auto& name : bad)
        EXPECT_FALSE(make_blob_name("d1", name)) << name;
    EXPECT_TRUE(make_blob_name("d1", std::string(1021, 'x')));
    EXPECT_EQ(to_text(parse_blob_name("d1/a/b").value()), "d1/a/b");
    EXPECT_EQ(parse_blob_name("d1/a/b")->owner, "d1");
    for (const char* name : {"", "d1", "/x", "d1/", "d1/../d2/x"})
        EXPECT_FALSE(parse_blob_name(name)) << name;
}

}  // namespace
}  // namespace selvage::cloud::files
