// Validates an OpenAPI description, and its examples by their schemas.
import { createConfig, lint } from '@redocly/openapi-core';

const config = await createConfig({
  extends: ['spec'],
  rules: {
    'no-invalid-media-type-examples': { severity: 'error', allowAdditionalProperties: true },
    'no-invalid-parameter-examples': 'error',
    'no-invalid-schema-examples': 'error',
    'no-unused-components': 'error',
    'operation-operationId-unique': 'error',
    'operation-summary': 'error',
    'path-parameters-defined': 'error',
  },
});
const problems = await lint({ ref: process.argv[2], config });
for (const { ruleId, message, location } of problems) {
  console.log(`${ruleId}: ${message} at ${location[0].pointer}`);
}
process.exitCode = problems.length ? 1 : 0;
