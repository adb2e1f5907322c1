#include <gtest/gtest.h>

#include "domain/tests/random_values.h"
#include "domain/twin.h"

namespace selvage::domain {
namespace {

using selvage::to_text;  // domain has one of its own, for identities
using testing::Nulls;
using testing::random_object;

constexpr UtcTime kFirst{std::chrono::milliseconds(1'700'000'000'000)};   // 2023-11-14T22:13:20Z
constexpr UtcTime kLater{std::chrono::milliseconds(1'700'000'001'500)};

JsonObject object(const std::string& text) {
    auto parsed = parse_json_object(text);
    EXPECT_TRUE(parsed) << text;
    return parsed ? *parsed : JsonObject{};
}

TEST(Twin, StartsWithTheVersionsOfTheWire) {
    const Twin twin = new_twin(kFirst);
    EXPECT_EQ(twin.etag(), "AAAAAAAAAAE=");
    EXPECT_EQ(twin.version, 2);
    EXPECT_EQ(to_text(section_document(twin.desired, true)),
              R"({"$metadata":{"$lastUpdated":"2023-11-14T22:13:20.0000000Z","$lastUpdatedVersion":1},"$version":1})");
    EXPECT_EQ(to_text(section_document(twin.reported, true)),
              R"({"$metadata":{"$lastUpdated":"2023-11-14T22:13:20.0000000Z"},"$version":1})");
    EXPECT_EQ(to_text(device_document(twin)), R"({"desired":{"$version":1},"reported":{"$version":1}})");
}

TEST(Twin, ChangesRaiseVersionAndEtag) {
    Twin twin = new_twin(kFirst);
    twin.mark_changed();
    EXPECT_EQ(twin.version, 3);
    EXPECT_EQ(twin.etag(), "AAAAAAAAAAI=");
    twin.etag_counter = 0xfedcba9876543210;
    EXPECT_EQ(twin.etag(), "/ty6mHZUMhA=");
}

TEST(MergePatch, FollowsTheRfc) {
    struct Row {
        const char* target;
        const char* patch;
        const char* want;
    };
    const Row rows[] = {  // RFC 7396, appendix A, those with an object on both sides
        {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
        {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
        {R"({"a":"b"})", R"({"a":null})", R"({})"},
        {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
        {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
        {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
        {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
        {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
        {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
        {R"({"a":1,"b":2,"c":3})", R"({"a":null,"d":4})", R"({"b":2,"c":3,"d":4})"},
    };
    for (const Row& row : rows) {
        JsonObject target = object(row.target);
        merge_patch(target, object(row.patch));
        EXPECT_EQ(to_text(target), row.want) << row.target << " with " << row.patch;
    }
}

TEST(Difference, MergedIntoTheOldGivesTheNew) {
    SeededRandom random(11);
    for (int i = 0; i < 5000; ++i) {
        const JsonObject from = random_object(random, 3, Nulls::no);
        const JsonObject to = random_object(random, 3, Nulls::no);
        JsonObject merged = from;
        merge_patch(merged, difference(from, to));
        ASSERT_EQ(merged, to) << to_text(from) << " to " << to_text(to) << " by " << to_text(difference(from, to));
        ASSERT_TRUE(difference(from, from).empty());
    }
}

TEST(Difference, IsNoLargerThanTheChange) {
    EXPECT_EQ(to_text(difference(object(R"({"a":{"b":1,"c":2},"d":3,"e":4})"), object(R"({"a":{"b":1,"c":5},"d":3})"))),
              R"({"e":null,"a":{"c":5}})");
}

// Metadata has the members of the values, at every level; nothing inside arrays.
void expect_mirror(const JsonObject& values, const JsonObject& metadata, SectionKind kind, const std::string& path) {
    ASSERT_NE(metadata.if_contains("$lastUpdated"), nullptr) << path;
    ASSERT_EQ(metadata.contains("$lastUpdatedVersion"), kind == SectionKind::desired) << path;
    const std::size_t own = kind == SectionKind::desired ? 2 : 1;
    ASSERT_EQ(metadata.size(), values.size() + own) << path << ": " << to_text(metadata) << " for " << to_text(values);
    for (const auto& [key, value] : values) {
        const JsonObject* inner = find_object(metadata, key);
        ASSERT_NE(inner, nullptr) << path << "/" << key;
        ASSERT_FALSE(value.is_null()) << path << "/" << key;
        const JsonObject* members = value.if_object();
        expect_mirror(members == nullptr ? JsonObject{} : *members, *inner, kind, path + "/" + std::string(key));
    }
}

TEST(TwinSection, MetadataMirrorsTheValuesAfterAnyPatches) {
    SeededRandom random(12);
    for (const SectionKind kind : {SectionKind::desired, SectionKind::reported}) {
        Twin twin = new_twin(kFirst);
        TwinSection& section = kind == SectionKind::desired ? twin.desired : twin.reported;
        JsonObject model;
        for (std::int64_t i = 0; i < 3000; ++i) {
            const JsonObject patch = random_object(random, 3, Nulls::yes);
            const std::int64_t before = section.version;
            if (testing::below(random, 20) == 0) {
                model = {};
                ASSERT_TRUE(replace_section(section, patch, kind, TwinLimits{}, kLater));
            } else {
                ASSERT_TRUE(patch_section(section, patch, kind, TwinLimits{}, kLater));
            }
            merge_patch(model, patch);
            ASSERT_EQ(section.values, model);
            ASSERT_EQ(section.version, before + 1);
            expect_mirror(section.values, section.metadata, kind, "");
            if (HasFatalFailure()) return;
        }
    }
}

TEST(TwinSection, APatchMarksWhatItTouchesAndLeavesTheRest) {
    Twin twin = new_twin(kFirst);
    ASSERT_TRUE(patch_section(twin.desired, object(R"({"a":{"b":1,"c":2},"d":3})"), SectionKind::desired, {}, kFirst));
    ASSERT_TRUE(patch_section(twin.desired, object(R"({"a":{"b":5,"x":null}})"), SectionKind::desired, {}, kLater));
    const std::string old_mark = R"("$lastUpdated":"2023-11-14T22:13:20.0000000Z","$lastUpdatedVersion":2)";
    const std::string new_mark = R"("$lastUpdated":"2023-11-14T22:13:21.5000000Z","$lastUpdatedVersion":3)";
    EXPECT_EQ(to_text(twin.desired.metadata), "{" + new_mark + R"(,"a":{)" + new_mark + R"(,"b":{)" + new_mark +
                                                  R"(},"c":{)" + old_mark + R"(}},"d":{)" + old_mark + "}}");
    EXPECT_EQ(to_text(twin.desired.values), R"({"a":{"b":5,"c":2},"d":3})");
}

TEST(TwinSection, ARefusedPatchChangesNothing) {
    Twin twin = new_twin(kFirst);
    std::string large = "{";
    for (int i = 0; i < 9; ++i) large += "\"k" + std::to_string(i) + "\":\"" + std::string(3600, 'x') + "\",";
    large.back() = '}';
    ASSERT_TRUE(patch_section(twin.reported, object(large), SectionKind::reported, {}, kFirst));
    const std::string before = to_text(to_json(twin));

    const auto too_large = patch_section(twin.reported, object(R"({"more":")" + std::string(400, 'y') + "\"}"),
                                         SectionKind::reported, {}, kLater);
    ASSERT_FALSE(too_large);
    EXPECT_EQ(too_large.error().code, Errc::invalid_argument);
    EXPECT_EQ(too_large.error().detail, "/: reported properties of 32822 bytes, at most 32768");
    EXPECT_FALSE(patch_section(twin.reported, object(R"({"a":1,"b.c":1})"), SectionKind::reported, {}, kLater));
    EXPECT_FALSE(replace_section(twin.desired, object(R"({"a":[null]})"), SectionKind::desired, {}, kLater));
    EXPECT_FALSE(patch_tags(twin.tags, object(R"({"$a":1})"), {}));
    EXPECT_EQ(to_text(to_json(twin)), before);

    // A patch that makes room in the same breath fits.
    EXPECT_TRUE(patch_section(twin.reported, object(R"({"k0":null,"more":")" + std::string(400, 'y') + "\"}"),
                              SectionKind::reported, {}, kLater));
}

TEST(TwinTags, MergeAndAreReplaced) {
    JsonObject tags;
    ASSERT_TRUE(patch_tags(tags, object(R"({"site":{"floor":1,"room":null}})"), {}));
    ASSERT_TRUE(patch_tags(tags, object(R"({"site":{"room":"b"}})"), {}));
    EXPECT_EQ(to_text(tags), R"({"site":{"floor":1,"room":"b"}})");
    const auto refused = patch_tags(tags, object(R"({"a":")" + std::string(4096, 'x') + R"(","b":")" +
                                                 std::string(4096, 'x') + "\"}"), {});
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().detail.starts_with("/: tags of ")) << refused.error().detail;
    ASSERT_TRUE(replace_tags(tags, object(R"({"x":1,"y":null})"), {}));
    EXPECT_EQ(to_text(tags), R"({"x":1})");
}

TEST(TwinSection, LosesReadOnlyMembersThatClientsSendAlong) {
    EXPECT_EQ(to_text(without_read_only(object(R"({"$version":1,"a":{"$version":2},"$metadata":{},"b":1})"))),
              R"({"a":{"$version":2},"b":1})");
}

TEST(Twin, StoredFormReadsBack) {
    SeededRandom random(13);
    for (int i = 0; i < 200; ++i) {
        Twin twin = new_twin(kFirst);
        twin.tags = random_object(random, 3, Nulls::no);
        ASSERT_TRUE(patch_section(twin.desired, random_object(random, 3, Nulls::yes), SectionKind::desired, {}, kLater));
        ASSERT_TRUE(patch_section(twin.reported, random_object(random, 3, Nulls::yes), SectionKind::reported, {}, kLater));
        twin.etag_counter = random.next();
        twin.version = 77;
        const std::string stored = to_text(to_json(twin));
        auto parsed = parse_json_object(stored);
        ASSERT_TRUE(parsed);
        const auto read = twin_from_json(*parsed);
        ASSERT_TRUE(read) << read.error().detail;
        ASSERT_EQ(to_text(to_json(*read)), stored);
        ASSERT_EQ(read->etag_counter, twin.etag_counter);

        // No member may be missing or of another type.
        for (const auto& member : *parsed) {
            JsonObject damaged = *parsed;
            damaged[member.key()] = "x";
            ASSERT_FALSE(twin_from_json(damaged)) << member.key();
            damaged.erase(member.key());
            const auto refused = twin_from_json(damaged);
            ASSERT_FALSE(refused) << member.key();
            ASSERT_EQ(refused.error().code, Errc::corrupt);
        }
    }
}

}  // namespace
}  // namespace selvage::domain
