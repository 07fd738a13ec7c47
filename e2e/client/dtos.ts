/* The types of AddConferenceMember as the API publishes them for TypeScript. */

export interface IReturn<T>
{
    createResponse(): T;
}

export interface IPost
{
}

export class EntityReference
{
    public id: string;
    public name: string;

    public constructor(init?: Partial<EntityReference>) { (Object as any).assign(this, init); }
}

export class SessionLogEntry
{
    public date: string;
    public message: string;

    public constructor(init?: Partial<SessionLogEntry>) { (Object as any).assign(this, init); }
}

export class SessionMember
{
    public identity: string;
    public endpointId: string;
    public displayName: string;
    public isOriginalMember: boolean;
    public avatarUrl: string;
    public applicationData: { [index: string]: string; };
    public callState: string;
    public role: string;
    public callSid: string;
    public muted: boolean;

    public constructor(init?: Partial<SessionMember>) { (Object as any).assign(this, init); }
}

export class SessionInfo
{
    public dialState: string;
    public callState: string;
    public queueState: string;
    public accountId: string;
    public accountName: string;
    public customerId: string;
    public customerBreadcrumb: EntityReference[];
    public customerName: string;
    public endpointId: string;
    public endpointName: string;
    public dateCompleted: string;
    public destination: string;
    public toAddress: string;
    public fromAddress: string;
    public fromName: string;
    public answeredByName: string;
    public queueMemberId: string;
    public channel: string;
    public ended: boolean;
    public outcome: string;
    public callSid: string;
    public consoleData: string;
    public holdQueueName: string;
    public heldByUserId: string;
    public holdReason: string;
    public conferenceSid: string;
    public displayName: string;
    public log: SessionLogEntry[];
    public members: SessionMember[];
    public callbackNumber: string;
    public answeredById: string;
    public direction: string;
    public fromPhoneNumber: string;
    public mostRecentParticipantCallSid: string;
    public wasMissed: boolean;
    public ringQueueId: string;
    public id: string;
    public dateCreated: string;
    public dateLastModified: string;
    public createdBy: string;
    public lastModifiedBy: string;

    public constructor(init?: Partial<SessionInfo>) { (Object as any).assign(this, init); }
}

// @Route("/sessions/{sessionId}/conference/members", "POST")
export class AddConferenceMember implements IReturn<SessionInfo>, IPost
{
    public sessionId: string;
    public callSid: string;
    public destination: string;
    public fromNumber: string;

    public constructor(init?: Partial<AddConferenceMember>) { (Object as any).assign(this, init); }
    public getTypeName() { return 'AddConferenceMember'; }
    public getMethod() { return 'POST'; }
    public createResponse() { return new SessionInfo(); }
}
