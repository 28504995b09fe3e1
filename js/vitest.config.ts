import { defineConfig } from "vitest/config";

export default defineConfig({
  define: { "define.amd": "false" },
  test: {
    environment: "happy-dom",
    include: ["tests/**/*.test.ts"],
    testTimeout: 20_000,
  },
});
