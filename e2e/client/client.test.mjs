import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonApiClient, JsonServiceClient } from '@servicestack/client'
import { AddConferenceMember } from '../node_modules/.build/dtos.js'

const { GATEWAY, GATEWAY_PREDEFINED, GATEWAY_JSON_ERRORS } = process.env

const call = {
    sessionId: 'full',
    callSid: 'CA0123456789abcdef0123456789abcdef',
    destination: '+12025550123',
    fromNumber: '+12025550199',
}

// A request whose response is text, as the library's users ask for CSV.
class AddConferenceMemberCsv extends AddConferenceMember {
    createResponse() { return '' }
}

// The custom route, as in the DTO's @Route.
const members = sessionId => `/sessions/${sessionId}/conference/members`

// failure awaits the error that the library throws, and the response it is of.
async function failure(client, request) {
    let response
    client.exceptionFilter = res => { response = res }
    const error = await request().then(() => assert.fail('no error was thrown'), e => e)
    return { error, response }
}

test('a member is added and the session comes back', async () => {
    const client = new JsonServiceClient(GATEWAY)
    const session = await client.postToUrl(members('full'), new AddConferenceMember(call))
    assert.equal(session.id, 'full')
    assert.equal(session.fromName, `O'Brien, "Pat"`)
    assert.equal(session.members.length, 2)
    assert.equal(session.ended, true)
})

test('a refusal names every field that is wrong, in the shape of the API', async () => {
    const client = new JsonServiceClient(GATEWAY)
    const wrong = new AddConferenceMember({ ...call, callSid: 'CA1', destination: '' })
    const { error, response } = await failure(client, () => client.postToUrl(members('full'), wrong))
    assert.equal(response.status, 422)
    assert.equal(response.headers.get('Content-Type'), 'application/problem+json')
    const { errorCode, message, errors } = error.responseStatus
    assert.notEqual(errorCode, '')
    assert.notEqual(message, '')
    assert.deepEqual(errors.map(e => e.fieldName).sort(), ['CallSid', 'Destination'])
    for (const e of errors) assert.ok(e.errorCode && e.message, JSON.stringify(e))
})

test('an error of the API itself comes through', async () => {
    const client = new JsonServiceClient(GATEWAY)
    const { error, response } = await failure(client, () =>
        client.postToUrl(members('gone'), new AddConferenceMember({ ...call, sessionId: 'gone' })))
    assert.equal(response.status, 404)
    assert.equal(error.responseStatus.errorCode, 'NotFound')
})

test('CSV comes as text, by suffix and by Accept', async () => {
    const client = new JsonServiceClient(GATEWAY)
    const request = new AddConferenceMemberCsv(call)
    const bySuffix = await client.postToUrl(members('full') + '.csv', request)
    assert.match(bySuffix, /^DialState,CallState,QueueState,/)
    assert.match(bySuffix, /,"O'Brien, ""Pat""",/)

    client.requestFilter = req => req.headers.set('Accept', 'text/csv')
    assert.equal(await client.postToUrl(members('full'), request), bySuffix)
})

test('a refusal in CSV says its status, and with "errors json" the fields too', async () => {
    const wrong = new AddConferenceMemberCsv({ ...call, callSid: 'CA1' })
    const inCSV = new JsonServiceClient(GATEWAY)
    const bare = await failure(inCSV, () => inCSV.postToUrl(members('full') + '.csv', wrong))
    assert.equal(bare.response.status, 422)
    assert.equal(bare.error.responseStatus.errorCode, '422')

    const inJSON = new JsonServiceClient(GATEWAY_JSON_ERRORS)
    const full = await failure(inJSON, () => inJSON.postToUrl(members('full') + '.csv', wrong))
    assert.equal(full.response.status, 422)
    assert.deepEqual(full.error.responseStatus.errors.map(e => e.fieldName), ['CallSid'])
})

// Where a client posts that is not told a URL: by default since version 2 of
// the library, and before.
const predefined = [
    { path: '/api/AddConferenceMember', basePath: 'api' },
    { path: '/json/reply/AddConferenceMember', basePath: null },
]
for (const { path, basePath } of predefined) {
    test(`${path} is judged like the route`, async () => {
        const judged = new JsonServiceClient(GATEWAY)
        judged.basePath = basePath
        const wrong = new AddConferenceMember({ ...call, callSid: 'CA1' })
        const { error, response } = await failure(judged, () => judged.post(wrong))
        assert.equal(response.url, GATEWAY + path)
        assert.equal(response.status, 422)
        assert.deepEqual(error.responseStatus.errors.map(e => e.fieldName), ['CallSid'])
        const failed = await judged.api(wrong)
        assert.equal(failed.failed, true)
        assert.ok(failed.fieldError('callSid'))

        const right = new AddConferenceMember(call)
        assert.equal((await judged.post(right)).id, 'full')
        assert.equal((await judged.send(right)).id, 'full')
        assert.equal((await judged.postBody(right, {})).id, 'full')
        assert.equal((await judged.api(right)).response.id, 'full')
        const got = await failure(judged, () => judged.get(right))
        assert.equal(got.response.status, 405)

        const passed = new JsonServiceClient(GATEWAY_PREDEFINED)
        passed.basePath = basePath
        const session = await passed.post(new AddConferenceMember(call))
        assert.equal(session.id, 'full')
    })
}

test('a batch on a predefined route gets 404', async () => {
    const client = new JsonServiceClient(GATEWAY)
    const { response } = await failure(client, () => client.sendAll([new AddConferenceMember(call)]))
    assert.equal(response.url, GATEWAY + '/api/AddConferenceMember[]')
    assert.equal(response.status, 404)
})

test('the client of browsers, which labels JSON as text, is read on its own route', async () => {
    const client = JsonApiClient.create(GATEWAY)
    assert.equal((await client.api(new AddConferenceMember(call))).response.id, 'full')
})

// JsonApiClient says no Content-Type, so fetch says text/plain, which the API
// would not read: it would respond with 200 and dial nobody that was asked for.
test('JSON labelled as text is refused in the shape of the API', async () => {
    const client = JsonApiClient.create(GATEWAY)
    const { error, response } = await failure(client, () =>
        client.postToUrl(members('full'), new AddConferenceMember(call)))
    assert.equal(response.status, 415)
    assert.match(response.headers.get('Accept-Post'), /application\/json/)
    assert.equal(error.responseStatus.errorCode, 'UnsupportedMediaType')
})
