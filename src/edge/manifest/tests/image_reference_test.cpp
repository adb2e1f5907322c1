#include <gtest/gtest.h>

#include "edge/manifest/deployment.h"

namespace selvage::edge::manifest {
namespace {

struct Row {
    const char* image;
    const char* want;   // null: refused
};

constexpr Row kRows[] = {
    {"ubuntu", "ubuntu:latest"},
    {" ubuntu ", "ubuntu:latest"},
    {"reg.io/a/b", "reg.io/a/b:latest"},
    {"localhost:9000/ea", "localhost:9000/ea:latest"},
    {"reg.io/a@sha256:abc", "reg.io/a@sha256:abc"},
    {"reg.io/a:1@sha256:abc", nullptr},
    {"a:1:2", nullptr},
    {"$upstream:443/a:1", "parent.example:443/a:1"},
    {"$upstream/a:1", nullptr},
    {"${MODULES.a}", nullptr},
    {"reg.io/", nullptr},
    {"", nullptr},
    {"a:", nullptr},
};

TEST(ImageReference, IsNormalisedOrRefusedAsTheTableSays) {
    for (const auto& row : kRows) {
        const auto got = normalise_image(row.image, Surroundings{"parent.example"});
        if (row.want == nullptr) EXPECT_EQ(got.error().code, Errc::malformed) << row.image;
        else EXPECT_EQ(got.value_or("refused"), row.want) << row.image;
    }
}

TEST(ImageReference, NamesTheRegistryWhoseCredentialsItWants) {
    EXPECT_EQ(registry_of("ubuntu:latest"), "");
    EXPECT_EQ(registry_of("library/ubuntu:1"), "https://index.docker.io/v1/");
    EXPECT_EQ(registry_of("reg.io/a:1"), "reg.io");
    EXPECT_EQ(registry_of("localhost:5000/a:1"), "localhost:5000");
}

TEST(CreateOptions, ChunksJoinToTheSameText) {
    JsonObject options;
    options["Label"] = std::string(700, 'x') + "äöü€𝄞" + std::string(900, 'y');
    JsonObject settings;
    add_chunked_create_options(options, settings);
    EXPECT_EQ(settings.size(), 4u);
    std::string joined;
    for (const auto& chunk : settings) joined += std::string_view(chunk.value().get_string());
    EXPECT_EQ(joined, to_text(options));
}

}  // namespace
}  // namespace selvage::edge::manifest
