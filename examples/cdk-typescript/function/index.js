// Each handler returns its name and the variables that it found.
const answer = (name) => async () => ({
  handler: name,
  table: process.env.TABLE,
  stage: process.env.STAGE,
  greeting: process.env.GREETING,
});

exports.list = answer("list");
exports.create = answer("create");
exports.daily = answer("daily");
exports.weekly = answer("weekly");
