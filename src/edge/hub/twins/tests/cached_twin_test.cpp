#include "edge/hub/twins/cached_twin.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/random.h"
#include "domain/twin.h"

namespace selvage::edge::hub {
namespace {

JsonObject object(std::string_view text) { return *parse_json_object(text); }

TEST(CachedTwin, ComposedPatchesDoWhatTheyDoOneAfterTheOther) {
    struct Row {
        const char* base;
        const char* first;
        const char* second;
    };
    const Row rows[] = {
        {R"({})", R"({"a":1})", R"({"b":2})"},
        {R"({"a":1})", R"({"a":null})", R"({"b":2})"},
        {R"({"a":{"x":1,"y":2}})", R"({"a":null})", R"({"a":{"z":3}})"},
        {R"({"a":{"x":{"p":1,"q":2}}})", R"({"a":5})", R"({"a":{"x":{"p":9}}})"},
        {R"({"a":{"x":1}})", R"({"a":{"y":2}})", R"({"a":{"x":null}})"},
        {R"({"a":{"x":1}})", R"({"a":{"x":{"deep":1}}})", R"({"a":{"x":{"deep":null,"other":2}}})"},
    };
    for (const auto& row : rows) {
        const auto base = object(row.base);
        auto one_by_one = base;
        domain::merge_patch(one_by_one, object(row.first));
        domain::merge_patch(one_by_one, object(row.second));
        auto pending = object(row.first);
        compose_patches(pending, object(row.second), base);
        auto at_once = base;
        domain::merge_patch(at_once, pending);
        EXPECT_EQ(at_once, one_by_one) << to_text(pending);
    }
}

// A random object of up to `depth` levels with few keys, so that patches meet often.
JsonObject random_object(Random& random, int depth, bool with_nulls) {
    JsonObject made;
    for (const auto* key : {"a", "b", "c"}) {
        const auto kind = random.next() % 5;
        if (kind == 0 && depth > 0)
            made[key] = random_object(random, depth - 1, with_nulls);
        else if (kind == 1)
            made[key] = static_cast<std::int64_t>(random.next() % 3);
        else if (kind == 2 && with_nulls)
            made[key] = nullptr;
    }
    return made;
}

TEST(CachedTwin, RandomPatchesComposeExactly) {
    SeededRandom random(11);
    for (int round = 0; round < 3000; ++round) {
        const auto base = random_object(random, 3, false);
        auto one_by_one = base;
        JsonObject pending;
        for (int patch_number = 0; patch_number < 4; ++patch_number) {
            const auto patch = random_object(random, 3, true);
            domain::merge_patch(one_by_one, patch);
            compose_patches(pending, patch, base);
        }
        auto at_once = base;
        domain::merge_patch(at_once, pending);
        ASSERT_EQ(at_once, one_by_one) << to_text(base) << " " << to_text(pending);
    }
}

TEST(CachedTwin, PendingStaysOnTopUntilAcknowledged) {
    CachedTwin twin;
    ASSERT_TRUE(twin.take_document(R"({"desired":{"d":1,"$version":3},"reported":{"r":1,"$version":7}})").has_value());
    twin.report(object(R"({"r":null,"s":2})"));
    EXPECT_EQ(twin.document(), R"({"desired":{"d":1,"$version":3},"reported":{"s":2,"$version":8}})");
    ASSERT_TRUE(twin.take_document(R"({"desired":{"$version":4},"reported":{"r":1,"$version":7}})").has_value());
    EXPECT_EQ(find_integer(*find_object(object(twin.document()), "reported"), "s"), 2);

    // One more change arrives while the first is on its way.
    const auto sent = twin.pending;
    twin.report(object(R"({"t":3})"));
    auto back = CachedTwin::from_stored_text(twin.to_stored_text());
    ASSERT_TRUE(back.has_value());
    back->acknowledged(sent, object(R"({"t":3})"), 8);
    EXPECT_EQ(back->reported_above, object(R"({"s":2})"));
    EXPECT_EQ(back->reported, object(R"({"s":2,"t":3})"));
    EXPECT_EQ(back->pending, object(R"({"t":3})"));
}

// No version of another hub may be one that cannot be counted on from.
TEST(CachedTwin, AVersionBeyondAllCountingIsHeldBack) {
    CachedTwin twin;
    twin.report(object(R"({"a":1})"));
    ASSERT_TRUE(twin.take_document(R"({"desired":{"$version":9223372036854775807},"reported":{"$version":9223372036854775807}})"));
    twin.report(object(R"({"b":2})"));
    EXPECT_EQ(twin.desired_version, std::int64_t{1} << 53);
    EXPECT_EQ(twin.reported_version, (std::int64_t{1} << 53) + 2);
    twin.acknowledged(object(R"({"a":1})"), object(R"({"b":2})"), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(twin.reported_version, (std::int64_t{1} << 53) + 1);
}

TEST(CachedTwin, TheDeepestDesiredPatchCanBeStoredAndRead) {
    const auto nested = [](std::size_t depth) {
        std::string text;
        for (std::size_t i = 1; i < depth; ++i) text += R"({"a":)";
        text += "{}" + std::string(depth - 1, '}');
        return text;
    };
    ASSERT_FALSE(parse_json_object(nested(kDesiredDepthMax + 1), kDesiredDepthMax));
    CachedTwin twin;
    twin.patch_desired(*parse_json_object(nested(kDesiredDepthMax), kDesiredDepthMax), 1);
    EXPECT_TRUE(CachedTwin::from_stored_text(twin.to_stored_text()));
}

}  // namespace
}  // namespace selvage::edge::hub
