// Event sourcing as Emmett's documentation shows it: Postgres as event store, an inline projection by Pongo, Express.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { CommandHandler, IllegalStateError, projections } from '@event-driven-io/emmett';
import { BadRequest, NotFound, OK, getApplication, on } from '@event-driven-io/emmett-expressjs';
import { getPostgreSQLEventStore, pongoSingleStreamProjection } from '@event-driven-io/emmett-postgresql';
import { pongoClient } from '@event-driven-io/pongo';

const templates = JSON.parse(readFileSync(process.env.TEMPLATES, 'utf8'));

// State, and what events do to it.

const initialState = () => ({ version: 0 });

const evolve = (state, { type, data }) => {
  switch (type) {
    case 'AssistantCreated':
      return { ...data.assistant, version: 1, created_at: data.at, updated_at: data.at };
    case 'AssistantUpdated':
      return { ...state, ...data.changes, version: state.version + 1, updated_at: data.at };
    default:
      return state;
  }
};

// Business logic.

const create = ({ assistant, at }) => (state) => {
  if (state.version > 0) throw new IllegalStateError('The assistant is there already.');
  return { type: 'AssistantCreated', data: { assistant, at } };
};

const update = ({ slug, changes, at }) => (state) => {
  if (state.account_id !== `acct_${slug}`) throw new IllegalStateError('There is no such assistant.');
  return { type: 'AssistantUpdated', data: { changes, at } };
};

const handle = CommandHandler({ evolve, initialState, retry: { onVersionConflict: 100 } });

// The read model, written in the transaction of the events.

const details = pongoSingleStreamProjection({
  collectionName: 'assistants',
  canHandle: ['AssistantCreated', 'AssistantUpdated'],
  evolve,
  initialState,
});

const answer = (assistant) => OK({ body: { success: true, assistant } });

const shown = ({ _id, _version, ...assistant }) => assistant;

const assistantsApi = (eventStore, readModel) => (router) => {
  router.get('/readyz', on(() => OK({ body: { ready: true } })));

  router.post('/api/assistants', on(async ({ body }) => {
    const template = templates[body.templateId ?? 'custom'];
    if (typeof body.accountSlug !== 'string' || typeof body.name !== 'string' || !body.name.trim() || !template) {
      return BadRequest({ problemDetails: 'accountSlug and name are required, templateId must be known.' });
    }
    const id = `asst_${randomUUID().replaceAll('-', '')}`;
    const assistant = {
      id, account_id: `acct_${body.accountSlug}`, name: body.name.trim(), ...template, phone_number_ids: [],
    };
    const { newState } = await handle(eventStore, id, create({ assistant, at: new Date().toISOString() }));
    return answer(newState);
  }));

  router.patch('/api/assistants/:id', on(async ({ params, body }) => {
    const { accountSlug: slug, ...changes } = body;
    if (typeof slug !== 'string' || Object.keys(changes).some((field) => field !== 'name' && !(field in templates.custom))) {
      return BadRequest({ problemDetails: 'accountSlug is required, fields must be known.' });
    }
    const { newState } = await handle(eventStore, params.id, update({ slug, changes, at: new Date().toISOString() }));
    return answer(newState);
  }));

  router.get('/api/assistants/:id', on(async ({ params }) => {
    const assistant = await readModel.findOne({ _id: params.id });
    return assistant === null ? NotFound() : answer(shown(assistant));
  }));
};

const eventStore = getPostgreSQLEventStore(process.env.DATABASE_URL, { projections: projections.inline([details]) });
const readModel = pongoClient(process.env.DATABASE_URL).db().collection('assistants');
await eventStore.schema.migrate();

const server = createServer(getApplication({ apis: [assistantsApi(eventStore, readModel)] }));
server.listen(Number(process.env.PORT), '127.0.0.1');

process.on('SIGTERM', () => {
  server.closeAllConnections();
  server.close(async () => {
    await eventStore.close();
    process.exit(0);
  });
});
