"""The pages: server-rendered, thin doors on `gate.service`, beside `gate.api`. docs/pages.md says how to add one."""
