// The client libraries for Node, each in every way in which it streams, against the simulator at BASE_URL.

import Anthropic from '@anthropic-ai/sdk';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI, OpenAI as LangChainCompletions } from '@langchain/openai';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import assert from 'node:assert/strict';

const baseURL = process.env.BASE_URL;
const model = 'sim-ttft5-itl1-n12';
const prompt = 'Why is the sky blue?';
const messages = [{ role: 'user', content: prompt }];
const text = 'Sunlight is a mix of all colours. Air molecules';
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const call = { city: 'Paris' };

let passed = 0;
let failed = 0;

async function check(name, action) {
  try {
    await action();
    passed++;
    console.log('ok      ' + name);
  } catch (e) {
    failed++;
    console.log('FAILED  ' + name + '\n' + e.stack + '\n' + JSON.stringify(e.issues ?? e.cause ?? ''));
  }
}

async function joined(stream, textOf) {
  let all = '';
  for await (const chunk of stream) {
    all += textOf(chunk) ?? '';
  }
  return all;
}

// openai-node

const openai = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 });
const chat = openai.chat.completions;
const functions = [{ type: 'function', function: { name: 'weather_at', parameters: schema } }];

await check('openai-node: models', async () => {
  const names = (await openai.models.list()).data.map(each => each.id);
  assert.deepEqual(names, ['gpt-3.5-turbo', 'gpt-4', 'text-davinci-003']);
  assert.equal((await openai.models.retrieve('gpt-4')).id, 'gpt-4');
});
await check('openai-node: chat', async () => {
  const whole = await chat.create({ model, messages });
  assert.equal(whole.choices[0].message.content, text);
  assert.equal(whole.usage.completion_tokens, 12);
  assert.equal((await chat.create({ model, messages, n: 2 })).choices[1].message.content, text);
  assert.equal(await joined(await chat.create({ model, messages, stream: true }), chunk => chunk.choices[0]?.delta?.content), text);
});
await check('openai-node: chat.completions.stream()', async () => {
  const stream = chat.stream({ model, messages, n: 2, stream_options: { include_usage: true } });
  const whole = await stream.finalChatCompletion();
  assert.deepEqual(whole.choices.map(choice => choice.message.content), [text, text]);
  assert.equal((await stream.totalUsage()).completion_tokens, 24);
});
await check('openai-node: tools', async () => {
  const whole = await chat.stream({ model: model + '+tools', messages, tools: functions }).finalChatCompletion();
  const made = whole.choices[0].message.tool_calls[0].function;
  assert.deepEqual([made.name, JSON.parse(made.arguments)], ['weather_at', call]);
  const asked = [];
  const run = chat.runTools({ model: model + '+tools', messages, stream: true, tools: [{ type: 'function',
    function: { name: 'weather_at', parse: JSON.parse, parameters: schema, function: given => { asked.push(given); return 'sunny'; } } }] });
  assert.ok(await run.finalContent());
  assert.deepEqual(asked, [call]);
});
await check('openai-node: completions', async () => {
  assert.equal((await openai.completions.create({ model, prompt })).choices[0].text, text);
  assert.equal(await joined(await openai.completions.create({ model, prompt, stream: true }), chunk => chunk.choices[0]?.text), text);
});
await check('openai-node: responses', async () => {
  assert.equal((await openai.responses.create({ model, input: prompt })).output_text, text);
  const final = async suffix => await openai.responses.stream({ model: model + suffix, input: prompt }).finalResponse();
  const plain = await final('');
  assert.deepEqual([plain.status, plain.output_text, plain.usage.output_tokens], ['completed', text, 12]);
  assert.deepEqual((await final('+reasoning')).output.map(item => item.type), ['reasoning', 'message']);
  assert.deepEqual(JSON.parse((await final('+tools')).output[0].arguments), call);
  const cut = await openai.responses.stream({ model, input: prompt, max_output_tokens: 4 }).finalResponse();
  assert.deepEqual([cut.status, cut.incomplete_details.reason], ['incomplete', 'max_output_tokens']);
});
await check('openai-node: errors', async () => {
  await assert.rejects(chat.create({ model: model + '+status-401', messages }), OpenAI.AuthenticationError);
  await assert.rejects(chat.create({ model: model + '+status-404', messages }), OpenAI.NotFoundError);
  await assert.rejects(async () => joined(await chat.create({ model: model + '+error-object', messages, stream: true }), () => ''),
    /overloaded/);
  await assert.rejects(openai.responses.stream({ model: model + '+error-event', input: prompt }).finalResponse(), { message: /overloaded/ });
});

// anthropic-sdk

const anthropic = new Anthropic({ baseURL: baseURL.replace(/\/v1$/, ''), apiKey: 'none', maxRetries: 0 });

await check('anthropic-sdk: messages', async () => {
  assert.equal((await anthropic.messages.create({ model, max_tokens: 50, messages })).content[0].text, text);
  const final = async (suffix, limit) => await anthropic.messages.stream({ model: model + suffix, max_tokens: limit, messages,
    tools: [{ name: 'weather_at', input_schema: schema }] }).finalMessage();
  const plain = await final('', 50);
  assert.deepEqual([plain.content[0].text, plain.stop_reason, plain.usage.output_tokens], [text, 'end_turn', 12]);
  assert.deepEqual((await final('+reasoning', 50)).content.map(block => block.type), ['thinking', 'text']);
  assert.deepEqual((await final('+tools', 50)).content[0].input, call);
  assert.equal((await final('', 4)).stop_reason, 'max_tokens');
  await assert.rejects(final('+status-401', 50), Anthropic.AuthenticationError);
  await assert.rejects(final('+error-event', 50), /overloaded/);
});

// Vercel AI SDK

const ofOpenAi = createOpenAI({ baseURL, apiKey: 'none' });
const compatible = createOpenAICompatible({ name: 'simulator', baseURL, apiKey: 'none', includeUsage: true });
const tools = { weather_at: tool({ inputSchema: jsonSchema(schema), execute: async () => 'sunny' }) };
const providers = { '@ai-sdk/openai responses': name => ofOpenAi(name), '@ai-sdk/openai chat': name => ofOpenAi.chat(name),
  '@ai-sdk/openai completions': name => ofOpenAi.completion(name), '@ai-sdk/openai-compatible chat': name => compatible(name),
  '@ai-sdk/openai-compatible completions': name => compatible.completionModel(name) };

async function streamed(provider, name, more = {}) {
  let problem;
  const result = streamText({ model: provider(name), prompt, maxRetries: 0, onError: ({ error }) => { problem = error; }, ...more });
  const all = await joined(result.textStream, part => part);
  if (problem) {
    throw problem instanceof Error ? problem : new Error(JSON.stringify(problem));
  }
  return { result, all };
}

for (const [name, provider] of Object.entries(providers)) {
  await check(name, async () => {
    assert.equal((await generateText({ model: provider(model), prompt, maxRetries: 0 })).text, text);
    const { result, all } = await streamed(provider, model);
    assert.deepEqual([all, await result.finishReason, (await result.usage).outputTokens], [text, 'stop', 12]);
    await assert.rejects(streamed(provider, model + '+status-500'));
    await assert.rejects(streamed(provider, model + '+error-event'));
    if (!name.endsWith('completions')) {
      const steps = await (await streamed(provider, model + '+tools', { tools, stopWhen: stepCountIs(3) })).result.steps;
      assert.deepEqual([steps.length, steps[0].toolCalls[0].input], [2, call]);
    }
  });
}

// LangChain.js

const options = { apiKey: 'none', configuration: { baseURL }, maxRetries: 0 };

await check('LangChain.js', async () => {
  const plain = new ChatOpenAI({ model, ...options });
  assert.equal((await plain.invoke(prompt)).content, text);
  assert.equal(await joined(await plain.stream(prompt), chunk => chunk.content), text);
  const responses = new ChatOpenAI({ model, ...options, useResponsesApi: true });
  assert.equal(await joined(await responses.stream(prompt), chunk => typeof chunk.content === 'string' ? chunk.content
    : chunk.content.map(part => part.text ?? '').join('')), text);
  assert.equal(await joined(await new LangChainCompletions({ model, ...options }).stream(prompt), chunk => chunk), text);
  let whole;
  for await (const chunk of await new ChatOpenAI({ model: model + '+tools', ...options }).bindTools(functions).stream(prompt)) {
    whole = whole ? whole.concat(chunk) : chunk;
  }
  assert.deepEqual(whole.tool_calls[0].args, call);
});

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
