import { expect, test } from "vitest";
import { whatItNeeds } from "../../src/graph/missing-nodes";

test.each([
  ["AnyNode", { cnr_id: "some-pack" }, "It comes with the pack some-pack."],
  ["AnyNode", { aux_id: "owner/repository" }, "It comes with the pack owner/repository."],
  ["WanVideoSampler", { cnr_id: "a-pack-for-wan" }, "It comes with the pack a-pack-for-wan."],
  ["WanImageToVideo", { cnr_id: "comfy-core" }, "It is a part of ComfyUI that needs Wan's video models, and is not built here yet."],
  ["KlingImage2VideoNode", {}, "It seems to be a part of ComfyUI that needs a partner's web service, and is not built here yet."],
  ["NeverHeardOf", { cnr_id: "comfy-core" }, "It is a part of ComfyUI that is not built here yet."],
  ["NeverHeardOf", {}, "No loaded pack defines it."],
])("%s with %o", (type, properties, sentence) => expect(whatItNeeds(type, properties)).toBe(sentence));
